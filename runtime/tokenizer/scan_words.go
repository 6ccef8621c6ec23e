package tokenizer

// gpt2 is names.GPT2:
//
//	'(?:[sdmt]|ll|ve|re)| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+
func (t *classTable) gpt2(text string, at int) int {
	if text[at] == '\'' && at+1 < len(text) && text[at+1] >= 'a' {
		// Of contractions only those in small letters.
		if end := contraction(text, at); end > at && text[end-1] >= 'a' && text[end-1] <= 'z' {
			return end
		}
	}
	c, n := t.at(text, at)
	word, i := c, at+n
	if text[at] == ' ' {
		word, n = t.at(text, i)
		i += n
	}
	switch {
	case word&isLetter != 0:
		return t.run(text, i, isLetter)
	case word&isNumber != 0:
		return t.run(text, i, isNumber)
	case word&isSpace == 0 && n > 0:
		return t.runNot(text, i, isSpace|isLetter|isNumber)
	}
	last, end := at, at // as blank, which is slower by what it asks of line ends
	for {
		c, n := t.at(text, end)
		if c&isSpace == 0 {
			break
		}
		last = end
		end += n
	}
	if end < len(text) && last > at {
		return last
	}
	return end
}

// words is names.Llama3 and its relatives, of which letters make words and numbers have at most so many digits:
//
//	(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+
//
// With marks among the letters they are no punctuation.
type words struct {
	*classTable
	letters class
	digits  int
}

func (t words) scan(text string, at int) int {
	if end := contraction(text, at); end > at {
		return end
	}
	c, n := t.at(text, at)
	if c&t.letters != 0 {
		return t.run(text, at+n, t.letters)
	}
	next, n2 := t.at(text, at+n)
	if c&(isBreak|isLetter|isNumber) == 0 && next&t.letters != 0 {
		return t.run(text, at+n+n2, t.letters)
	}
	if c&isNumber != 0 {
		return t.number(text, at, t.digits)
	}
	inside := isSpace | isNumber | t.letters
	switch {
	case c&inside == 0:
		return t.run(text, t.runNot(text, at+n, inside), isBreak)
	case text[at] == ' ' && n2 > 0 && next&inside == 0:
		return t.run(text, t.runNot(text, at+n+n2, inside), isBreak)
	}
	return t.blank(text, at)
}

// deepSeek is names.DeepSeek:
//
//	[ASCII punctuation][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+| ?[\p{P}\p{S}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+
func (t *classTable) deepSeek(text string, at int) int {
	c, n := t.at(text, at)
	next, n2 := t.at(text, at+n)
	switch {
	case n == 1 && c&isMarking != 0 && n2 == 1 && next&isLetter != 0:
		end := at + 2
		for end < len(text) && text[end] < 0x80 && t.ascii[text[end]]&isLetter != 0 {
			end++
		}
		return end
	case c&isWord != 0:
		return t.run(text, at+n, isWord)
	case c&(isBreak|isMarking) == 0 && next&isWord != 0:
		return t.run(text, at+n+n2, isWord)
	case c&isMarking != 0:
		return t.run(text, t.run(text, at+n, isMarking), isBreak)
	case text[at] == ' ' && next&isMarking != 0:
		return t.run(text, t.run(text, at+n+n2, isMarking), isBreak)
	case c&isSpace != 0:
		return t.blank(text, at)
	}
	return at
}
