package calibration

import (
	"embed"
	"io/fs"
	"sync"
)

//go:generate go run gen.go

//go:embed texts/*/*
var texts embed.FS

// heldOut is how many documents of a kind there are to one that is held out. It shares no factor with the number of languages,
// so that not always the same are.
const heldOut = 7

// Default is the mix that ships with carat, without what is held out.
func Default() *Mix { return &Mix{Documents: shipped().used} }

// HeldOut are the documents of the default that calibration does not see.
func HeldOut() *Mix { return &Mix{Documents: shipped().held} }

type parts struct{ used, held []Document }

var shipped = sync.OnceValue(func() parts {
	root, err := fs.Sub(texts, "texts")
	if err != nil {
		panic(err)
	}
	r := reader{fsys: root, room: MaxBytes}
	kinds, err := r.entries(".")
	if err != nil {
		panic(err) // the files are in the binary, and a test reads them
	}
	var used, held [][]Document
	for _, docs := range kinds {
		var u, h []Document
		for i, d := range docs {
			d.Language = language(d)
			if i%heldOut == heldOut-1 {
				h = append(h, d)
			} else {
				u = append(u, d)
			}
		}
		used, held = append(used, u), append(held, h)
	}
	return parts{turns(used), turns(held)}
})
