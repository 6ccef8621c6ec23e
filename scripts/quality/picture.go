package main

import (
	"fmt"
	"html"
	"math"
	"strings"
)

// drawn is a row of a picture.
type drawn struct {
	name string
	of   map[string]difference // each text
}

// Measures of a picture, in pixels.
const (
	pictureWidth = 760
	labelWidth   = 150
	pictureTop   = 56 // title and legend
	lineHeight   = 13 // of a text
	rowGap       = 12
)

// textColors are those of the evaluation texts, told apart by colour-blind readers, too (Okabe and Ito, 2008).
var textColors = map[string]string{"wikitext": "#0072b2", "stories": "#d55e00", "arc": "#009e73", "code": "#cc79a7"}

// picture draws by how much divergences fall: for each row and text a ring where the preset is and a dot where ours is, on a logarithmic
// scale.
func picture(title string, rows []drawn) string {
	least, most := math.Inf(1), 0.0
	for _, r := range rows {
		for _, d := range r.of {
			least, most = min(least, d.ours), max(most, d.preset)
		}
	}
	least, most = math.Log10(max(least, 1e-6)/1.2), math.Log10(max(most, 1e-6)*1.2)
	x := func(v float64) float64 {
		return labelWidth + (math.Log10(max(v, 1e-6))-least)/(most-least)*(pictureWidth-labelWidth-20)
	}
	rowHeight := lineHeight*len(evaluation) + rowGap
	bottom := pictureTop + len(rows)*rowHeight
	var b strings.Builder
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" font-family="system-ui, sans-serif" font-size="12" role="img">`+"\n", pictureWidth, bottom+36)
	fmt.Fprintf(&b, "<title>%s</title>\n<rect width=\"100%%\" height=\"100%%\" fill=\"#ffffff\"/>\n", html.EscapeString(title))
	fmt.Fprintf(&b, "<text x=\"12\" y=\"20\" font-size=\"14\" font-weight=\"600\" fill=\"#1f2933\">%s</text>\n", html.EscapeString(title))
	for i, text := range evaluation {
		at := labelWidth + 110*i
		fmt.Fprintf(&b, "<circle cx=\"%d\" cy=\"38\" r=\"4\" fill=\"%s\"/><text x=\"%d\" y=\"42\" fill=\"#1f2933\">%s</text>\n", at, textColors[text], at+8, text)
	}
	for power := math.Floor(least); power <= most; power++ {
		for _, step := range []float64{1, 2, 5} {
			v := step * math.Pow(10, power)
			if at := math.Log10(v); at < least || at > most {
				continue
			}
			fmt.Fprintf(&b, "<line x1=\"%.1f\" x2=\"%.1f\" y1=\"%d\" y2=\"%d\" stroke=\"#e4e7eb\"/><text x=\"%.1f\" y=\"%d\" text-anchor=\"middle\" fill=\"#52606d\">%.3g</text>\n",
				x(v), x(v), pictureTop-6, bottom, x(v), bottom+14, v)
		}
	}
	for i, r := range rows {
		y := pictureTop + i*rowHeight
		fmt.Fprintf(&b, "<text x=\"12\" y=\"%d\" fill=\"#1f2933\">%s</text>\n", y+rowHeight/2, html.EscapeString(r.name))
		for k, text := range evaluation {
			d, ok := r.of[text]
			if !ok {
				continue
			}
			at, color := y+lineHeight*k+lineHeight/2, textColors[text]
			fmt.Fprintf(&b, "<line x1=\"%.1f\" x2=\"%.1f\" y1=\"%d\" y2=\"%d\" stroke=\"%s\" stroke-width=\"2\" stroke-opacity=\"0.4\"/>", x(d.ours), x(d.preset), at, at, color)
			fmt.Fprintf(&b, "<circle cx=\"%.1f\" cy=\"%d\" r=\"4\" fill=\"#ffffff\" stroke=\"%s\" stroke-width=\"1.5\"/><circle cx=\"%.1f\" cy=\"%d\" r=\"4.5\" fill=\"%s\"/>\n", x(d.preset), at, color, x(d.ours), at, color)
		}
	}
	fmt.Fprintf(&b, "<text x=\"%d\" y=\"%d\" text-anchor=\"middle\" fill=\"#52606d\">mean KL divergence from the original in nats: ring the preset, dot ours</text>\n</svg>\n", (pictureWidth+labelWidth)/2, bottom+30)
	return b.String()
}
