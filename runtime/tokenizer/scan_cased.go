package tokenizer

// cased is names.GPT4o, and names.Tekken with one digit and without contractions. U are the characters that may stand
// where capitals do, l those that may stand behind them; marks and the letters of scripts without case are both.
//
//	[^\r\n\p{L}\p{N}]?U*l+(?i:'s|'t|'re|'ve|'m|'ll|'d)?|[^\r\n\p{L}\p{N}]?U+l*(?i:'s|'t|'re|'ve|'m|'ll|'d)?|
//	\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+
type cased struct {
	*classTable
	digits       int
	contractions bool
}

func (t cased) scan(text string, at int) int {
	c, n := t.at(text, at)
	word := at
	if c&(isBreak|isLetter|isNumber) == 0 {
		word += n
	}
	switch end, small := t.word(text, word); {
	case word > at && c&isMark != 0 && !small:
		return t.contracted(text, word) // a mark may end a word, so that the first alternative takes it alone
	case end > word:
		return t.contracted(text, end)
	}
	if c&isNumber != 0 {
		return t.number(text, at, t.digits)
	}
	const inside = isSpace | isLetter | isNumber
	end := 0
	switch next, n2 := t.at(text, at+n); {
	case c&inside == 0:
		end = t.runNot(text, at+n, inside)
	case text[at] == ' ' && n2 > 0 && next&inside == 0:
		end = t.runNot(text, at+n+n2, inside)
	default:
		return t.blank(text, at)
	}
	for end < len(text) && (text[end] == '\r' || text[end] == '\n' || text[end] == '/') {
		end++
	}
	return end
}

// word is where U*l+ ends or, if that does not match (not small), U+; at if neither does.
func (t cased) word(text string, at int) (end int, small bool) {
	both := at // behind the last character that is U and l
	i := at
	for {
		c, n := t.at(text, i)
		if c&isUpper == 0 {
			if c&isLower != 0 {
				return t.run(text, i+n, isLower), true
			}
			break
		}
		i += n
		if c&isLower != 0 {
			both = i
		}
	}
	if both > at {
		return both, true // U* gives back what l+ needs
	}
	return i, false
}

func (t cased) contracted(text string, at int) int {
	if t.contractions {
		return contraction(text, at)
	}
	return at
}
