package task

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/carat-llm/carat/gguf"
)

const hellaswagFormat = "text, six lines an item: context, number of the right ending (0 to 3), four endings"

// parseHellaSwag reads what llama-perplexity --hellaswag reads.
func parseHellaSwag(name string, data []byte) ([]Item, error) {
	all := lines(data)
	for len(all) > 0 && len(all)%6 != 0 && strings.TrimSpace(all[len(all)-1]) == "" {
		all = all[:len(all)-1]
	}
	if len(all)%6 != 0 {
		return nil, fmt.Errorf("%w: %s has %d lines, which is not a multiple of 6; hellaswag needs %s", gguf.ErrInput, name, len(all), hellaswagFormat)
	}
	var out []Item
	for i := 0; i < len(all); i += 6 {
		gold, err := strconv.Atoi(strings.TrimSpace(all[i+1]))
		if err != nil || gold < 0 || gold > 3 {
			return nil, malformed(name, lineAt(i+2), "the number of an ending must be between 0 and 3 (got %.40q)", all[i+1])
		}
		c := choices{lineAt(i + 1), all[i], all[i+2 : i+6], gold}
		for j, e := range c.answers {
			if e == "" {
				return nil, malformed(name, lineAt(i+3+j), "the ending is empty")
			}
		}
		out = append(out, c)
	}
	return out, nil
}
