package parity

import (
	"regexp"
	"strconv"
	"strings"
	"unicode"
)

// estimates are the perplexities that the program prints: after each chunk that over all until then, and the last of
// them once more. A thread of its own prints them, and on a busy machine the program may end before it has.
type estimates struct {
	running []float64
	final   *float64
}

var (
	runningForm = regexp.MustCompile(`\[([0-9]{1,9})\] ?([-+]?[0-9][0-9.eE+-]*|[-+]?nan|[-+]?inf),`)
	finalForm   = regexp.MustCompile(`Final estimate: PPL = ([-+]?[0-9][0-9.eE+-]*|[-+]?nan|[-+]?inf) \+/-`)
)

// parse reads "[1]12.5608,[2]21.2755," of stdout, whose end may be cut, and "Final estimate: PPL = 21.2755 +/- 3.1", which is in the log.
func parse(out output) (e estimates) {
	for _, m := range runningForm.FindAllStringSubmatch(out.stdout, -1) {
		v, err := strconv.ParseFloat(m[2], 64)
		if err == nil && m[1] == strconv.Itoa(len(e.running)+1) {
			e.running = append(e.running, v)
		}
	}
	if m := finalForm.FindStringSubmatch(out.stdout + "\n" + out.stderr); m != nil {
		if v, err := strconv.ParseFloat(m[1], 64); err == nil {
			e.final = &v
		}
	}
	return e
}

// after is the perplexity over the first n chunks of those asked for.
func (e *estimates) after(n, asked int) (v float64, ok bool) {
	switch {
	case 0 < n && n <= len(e.running):
		return e.running[n-1], true
	case 0 < n && n == asked && e.final != nil:
		return *e.final, true
	}
	return 0, false
}

// maxMessage is how many characters of a log are told.
const maxMessage = 500

// stamp is the time and level before a line of llama.cpp's log: "0.00.017.715 E ".
var stamp = regexp.MustCompile(`^ *[0-9]+(?:\.[0-9]+){2,3} [A-Z] `)

// lastLines are the last whole lines of a log that fit, or the end of the last one; without times, so that they are the
// same each time.
func lastLines(log string, most int) string {
	lines := strings.Split(log, "\n")
	out := ""
	for i := len(lines) - 1; i >= 0; i-- {
		line := clean(stamp.ReplaceAllString(lines[i], ""), most)
		switch {
		case line == "":
		case out == "":
			out = line
		case len([]rune(line))+2+len([]rune(out)) > most:
			return out
		default:
			out = line + "; " + out
		}
	}
	return out
}

// folders are those of absolute paths, which reports do not hold.
var folders = regexp.MustCompile(`(^|[\s'"=(:,])(?:[A-Za-z]:)?(?:[/\\][^\s'"/\\]+)*[/\\]([^\s'"/\\])`)

// clean is a line without control characters and folders, and the end of it when it is longer than most.
func clean(line string, most int) string {
	line = strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(line, "\uFFFD"))
	line = strings.Join(strings.Fields(folders.ReplaceAllString(line, "$1$2")), " ")
	if r := []rune(line); len(r) > most {
		line = string(r[len(r)-most:])
	}
	return line
}
