package page

import (
	"bytes"
	"cmp"
	"encoding/xml"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/carat-llm/carat/eval/report"
	"github.com/stretchr/testify/require"
)

// TestPageIsSelfContained: no scripts, nothing from elsewhere, every picture has a title, no id is there twice.
func TestPageIsSelfContained(t *testing.T) {
	for _, r := range []*report.Report{sample(), single(), hostile("x")} {
		var b bytes.Buffer
		require.NoError(t, HTML(&b, r))
		s := b.String()
		for _, bad := range []string{"<script", "javascript:", "@import", "url(", "<link", "<img", "src=", "onload", "ZgotmplZ", "NaN", "Inf"} {
			require.False(t, strings.Contains(s, bad), bad)
		}
		require.Contains(t, s, `content="default-src 'none'; style-src 'unsafe-inline'; img-src data:"`)
		for _, m := range regexp.MustCompile(`(?:href|xmlns)="([^"]*)"`).FindAllStringSubmatch(s, -1) {
			require.Regexp(t, `^(#c\d+|http://www.w3.org/2000/svg)$`, m[1])
		}
		seen := map[string]bool{}
		for _, m := range regexp.MustCompile(` id="([^"]*)"`).FindAllStringSubmatch(s, -1) {
			require.False(t, seen[m[1]], m[1])
			seen[m[1]] = true
		}
		for _, m := range regexp.MustCompile(`aria-labelledby="([^"]*)"`).FindAllStringSubmatch(s, -1) {
			for id := range strings.FieldsSeq(m[1]) {
				require.True(t, seen[id], id)
			}
		}
		require.Equal(t, strings.Count(s, "<svg "), strings.Count(s, ` role="img"`))
		wellFormed(t, s)
	}
}

// wellFormed checks that every element is closed where it must be.
func wellFormed(t *testing.T, s string) {
	d := xml.NewDecoder(strings.NewReader(s))
	d.Strict, d.AutoClose, d.Entity = false, xml.HTMLAutoClose, xml.HTMLEntity
	var open []string
	for {
		tok, err := d.Token()
		if err == io.EOF {
			break
		}
		require.NoError(t, err)
		switch x := tok.(type) {
		case xml.StartElement:
			open = append(open, x.Name.Local)
		case xml.EndElement:
			require.Equal(t, open[len(open)-1], x.Name.Local)
			open = open[:len(open)-1]
		}
	}
	require.Empty(t, open)
}

func TestPageEscapes(t *testing.T) {
	for _, attack := range []string{`<script>alert(1)</script>`, `"><img src=x onerror=alert(1)>`, `</title></svg></style><b>x`, `' style='x`, "\x01\u202e", `{{.}}`} {
		var b bytes.Buffer
		require.NoError(t, HTML(&b, hostile(attack)))
		s := b.String()
		for _, bad := range []string{"<script", "<img", "</style><b>", "<b>x", "\x01", "\u202e"} {
			require.False(t, strings.Contains(s, bad), bad)
		}
		require.Equal(t, 1, strings.Count(s, "</style>"), "only the page's own style")
		wellFormed(t, s)
	}
}

func TestSVG(t *testing.T) {
	none := single()
	none.Candidates = nil
	for _, r := range []*report.Report{sample(), single(), none, hostile(`</style><script>alert(1)</script>&nbsp;`)} {
		var b bytes.Buffer
		require.NoError(t, SVG(&b, r))
		d := xml.NewDecoder(&b) // strictly: what stands alone is XML
		for {
			tok, err := d.Token()
			if err == io.EOF {
				break
			}
			require.NoError(t, err)
			if x, ok := tok.(xml.StartElement); ok {
				require.NotEqual(t, "script", x.Name.Local)
			}
		}
	}
}

// TestPageLegend: controls may be better than what the legend calls unbeaten.
func TestPageLegend(t *testing.T) {
	var b bytes.Buffer
	require.NoError(t, HTML(&b, sample()))
	require.Contains(t, b.String(), "no other candidate is better in both")
}

// TestSweepPage: without a gate the candidates stand by size, the headline is of the nearest to the reference, and the
// perplexity runs within each slice.
func TestSweepPage(t *testing.T) {
	r := sample()
	r.Gate, r.Command = nil, "sweep"
	slices.Reverse(r.Candidates)
	require.NoError(t, r.Validate())
	p := newPage(r)
	require.Equal(t, "smollm2-Q6_K.gguf", p.Focus.Name)
	require.Equal(t, "0.00589", p.Cards[0].Value)
	require.Equal(t, "the nearest to the reference", p.Best())
	require.True(t, slices.IsSortedFunc(p.Rows, func(a, b candidateRow) int { return cmp.Compare(a.Bytes, b.Bytes) }))
	for i, row := range p.Rows {
		require.Equal(t, row.ID, p.Details[i].ID, "links lead to the same candidate")
		require.Equal(t, row.Name, p.Details[i].Name)
	}
	d := p.Details[0]
	require.Greater(t, len(d.Slices), 1)
	var titles []string
	for _, c := range d.Charts {
		titles = append(titles, c.Title)
	}
	for _, s := range d.Slices {
		require.Contains(t, titles, "Running perplexity of "+s.Name)
	}
	require.NotContains(t, titles, "Running perplexity")
	c := running(d.Slices[0].Metrics, "x", "x")
	require.Contains(t, c.Desc, fmt.Sprintf("%d chunks; ", len(d.Slices[0].Metrics.Perplexity.Chunks)))

	r.Candidates[0].Bytes = 0
	rows := newPage(r).Rows
	require.Zero(t, rows[len(rows)-1].Bytes, "the size is not known")
}

// TestBest: controls and failures are not what a report is about while there is another.
func TestBest(t *testing.T) {
	r := sample()
	r.Gate = nil
	for i := range r.Candidates {
		if r.Candidates[i].Name != "smollm2-IQ4_XS.gguf" {
			r.Candidates[i].Role = report.Control
		}
	}
	require.Equal(t, "smollm2-IQ4_XS.gguf", focus(r).Name)
	for i := range r.Candidates {
		r.Candidates[i].Role, r.Candidates[i].Metrics.Comparison = "", nil
		r.Candidates[i].Metrics.BitsPerByte.Value = float64(10 + i)
	}
	r.Candidates[1].Metrics.BitsPerByte.Value = 1
	require.Equal(t, r.Candidates[1].Name, focus(r).Name)
}
