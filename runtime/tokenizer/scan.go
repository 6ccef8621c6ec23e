package tokenizer

import "github.com/carat-llm/carat/gguf/names"

// scanner is a regular expression of the table written by hand. It returns where a match that begins at text[at:] ends,
// or at if none does. text is valid UTF-8 and does not end at at. It says what the expression says of every text, which
// is tested against a general implementation.
type scanner func(text string, at int) int

// scannerFor returns the scanner of an expression, or nil where there is none.
func scannerFor(pattern string) scanner {
	t := classes()
	switch names.Canonical(pattern) {
	case names.GPT2:
		return t.gpt2
	case names.Llama3:
		return words{t, isLetter, 3}.scan
	case names.Qwen2:
		return words{t, isLetter, 1}.scan
	case names.Qwen35:
		return words{t, isWord, 1}.scan
	case names.GPT4o:
		return cased{t, 3, true}.scan
	case names.Tekken:
		return cased{t, 1, false}.scan
	case names.DeepSeek:
		return t.deepSeek
	case names.Kana:
		return kana
	case names.Digit:
		return t.digits(1)
	case names.Digits3:
		return t.digits(3)
	case names.Lines:
		return lines
	}
	return nil
}

// split calls yield for the matches and for what is between them.
func (scan scanner) split(text string, yield func(part string)) {
	from := 0
	for at := 0; at < len(text); {
		end := scan(text, at)
		if end == at {
			at++
			for at < len(text) && text[at]&0xc0 == 0x80 {
				at++
			}
			continue
		}
		if at > from {
			yield(text[from:at])
		}
		yield(text[at:end])
		from, at = end, end
	}
	if from < len(text) {
		yield(text[from:])
	}
}

// contraction is where '(?i:s|t|re|ve|m|ll|d) ends, or at.
func contraction(text string, at int) int {
	if at+1 >= len(text) || text[at] != '\'' {
		return at
	}
	switch c := text[at+1] | 0x20; c {
	case 's', 't', 'm', 'd':
		return at + 2
	case 'r', 'v', 'l':
		second := byte('e')
		if c == 'l' {
			second = 'l'
		}
		if at+2 < len(text) && text[at+2]|0x20 == second {
			return at + 3
		}
	case 0xc5 | 0x20:
		if at+2 < len(text) && text[at+1:at+3] == "ſ" { // folds to s
			return at + 3
		}
	}
	return at
}

// digits is \p{N}{1,most}.
func (t *classTable) digits(most int) scanner {
	return func(text string, at int) int { return t.number(text, at, most) }
}

func (t *classTable) number(text string, at, most int) int {
	for ; most > 0; most-- {
		c, n := t.at(text, at)
		if c&isNumber == 0 {
			break
		}
		at += n
	}
	return at
}

// blank is where \s*[\r\n]+|\s+(?!\S)|\s+ ends: behind the last line end, if there is one; else before the last space,
// which goes with the word that follows, unless it is the only one or no word follows.
func (t *classTable) blank(text string, at int) int {
	lines, last, end := at, at, at
	for {
		c, n := t.at(text, end)
		if c&isSpace == 0 {
			break
		}
		last = end
		end += n
		if c&isBreak != 0 {
			lines = end
		}
	}
	switch {
	case lines > at:
		return lines
	case end < len(text) && last > at:
		return last
	}
	return end
}

// kana is [一-龥぀-ゟ゠-ヿ]+.
func kana(text string, at int) int {
	for at+2 < len(text) && text[at] >= 0xe3 && text[at] <= 0xe9 {
		r := rune(text[at]&0xf)<<12 | rune(text[at+1]&0x3f)<<6 | rune(text[at+2]&0x3f)
		if !(r >= 0x4e00 && r <= 0x9fa5 || r >= 0x3040 && r <= 0x30ff) {
			break
		}
		at += 3
	}
	return at
}

// lines is [^\n]+|[\n]+.
func lines(text string, at int) int {
	ends := text[at] == '\n'
	for at < len(text) && (text[at] == '\n') == ends {
		at++
	}
	return at
}
