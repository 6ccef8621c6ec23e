package recipe

import (
	"cmp"
	"strconv"
	"strings"
)

// Compare orders tensors by name as the reference writes them, which is also the order that Next needs:
// what is in no layer first, then layer by layer, each by the bytes of its names.
func Compare(a, b string) int {
	return cmp.Or(cmp.Compare(LayerOf(a), LayerOf(b)), cmp.Compare(a, b))
}

// LayerOf is N of a name that begins with "blk.N.", or -1.
func LayerOf(name string) int {
	if rest, ok := strings.CutPrefix(name, "blk."); ok {
		if num, _, ok := strings.Cut(rest, "."); ok {
			if n, err := strconv.Atoi(num); err == nil && n >= 0 {
				return n
			}
		}
	}
	return -1
}
