package grammar

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
)

// integer has bounds by digits.
func (s *schemas) integer(o object, at string) (string, error) {
	bound := func(name string) (*int64, error) {
		v, ok := o.get(name)
		if !ok {
			return nil, nil
		}
		number, _ := v.(json.Number)
		n, err := strconv.ParseInt(number.String(), 10, 64)
		if err != nil || n > 1e15 || n < -1e15 {
			return nil, s.fail(at+"/"+name, "expected a whole number up to 10^15")
		}
		return &n, nil
	}
	lo, err := bound("minimum")
	if err != nil {
		return "", err
	}
	hi, err := bound("maximum")
	switch {
	case err != nil:
		return "", err
	case lo == nil && hi == nil:
		return s.use("integer"), nil
	}
	if lo == nil {
		lo = new(int64(-999_999_999_999_999))
	}
	if hi == nil {
		hi = new(int64(999_999_999_999_999))
	}
	if *lo > *hi {
		return "", s.fail(at, "maximum is less than minimum")
	}
	var out []string
	if *lo < 0 {
		out = append(out, `"-" (`+either(digits(max(1, -*hi), -*lo))+")")
	}
	if *hi >= 0 {
		out = append(out, digits(max(0, *lo), *hi)...)
	}
	return either(out), nil
}

// digits are the numbers from lo to hi, neither negative, as elements of GBNF.
func digits(lo, hi int64) (out []string) {
	if n := len(strconv.FormatInt(lo, 10)); n < len(strconv.FormatInt(hi, 10)) { // of one length
		top := int64(1)
		for range n {
			top *= 10
		}
		return append(digits(lo, top-1), digits(top, hi)...)
	}
	a, b := strconv.FormatInt(lo, 10), strconv.FormatInt(hi, 10)
	if a == b {
		return []string{literal(a)}
	}
	same := 0
	for a[same] == b[same] {
		same++
	}
	head, tail := a[:same], len(a)-same-1 // the digits behind the first that differs
	any := func(from, to byte) string {
		s := fmt.Sprintf("[%c-%c]", from, to)
		if head != "" {
			s = literal(head) + " " + s
		}
		if tail > 0 {
			s += fmt.Sprintf(" [0-9]{%d}", tail)
		}
		return s
	}
	from, to := a[same], b[same]
	var last []string
	if strings.Trim(a[same+1:], "0") != "" { // part of the lowest block
		block := head + string(from) + strings.Repeat("9", tail)
		top, _ := strconv.ParseInt(block, 10, 64)
		out = append(out, digits(lo, top)...)
		from++
	}
	if strings.Trim(b[same+1:], "9") != "" {
		block := head + string(to) + strings.Repeat("0", tail)
		low, _ := strconv.ParseInt(block, 10, 64)
		last = digits(low, hi)
		to--
	}
	if from <= to {
		out = append(out, any(from, to))
	}
	return append(out, last...)
}
