package grammar

// otherKeys is the rest of a key, behind its first quote, that is none of the members' names.
func (s *schemas) otherKeys(members object) string {
	s.use("char")
	var names []string
	for _, m := range members {
		names = append(names, m.name)
	}
	return s.notAmong(names)
}

// notAmong is a text, up to its quote, that is none of the names. Within what a name begins with there are no escapes, which could
// write it otherwise.
func (s *schemas) notAmong(names []string) string {
	if len(names) == 0 {
		return s.fresh(`char* "\""`)
	}
	follow := map[rune][]string{}
	ends := false
	var order []rune
	for _, n := range names {
		if n == "" {
			ends = true
			continue
		}
		r := []rune(n)
		if _, ok := follow[r[0]]; !ok {
			order = append(order, r[0])
		}
		follow[r[0]] = append(follow[r[0]], string(r[1:]))
	}
	class := `[^"\\\x00-\x1f\x7f`
	var out []string
	for _, r := range order {
		class += escape(r)
		text := compact(string(r))
		out = append(out, literal(text[1:len(text)-1])+" "+s.notAmong(follow[r]))
	}
	if !ends {
		out = append(out, `"\""`)
	}
	out = append(out, class+`] char* "\""`)
	return s.fresh(either(out))
}
