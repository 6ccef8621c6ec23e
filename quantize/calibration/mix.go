package calibration

import (
	"fmt"
	"io/fs"
	"path"
	"strings"

	"github.com/carat-llm/carat/gguf"
	"github.com/carat-llm/carat/internal/inputfile"
)

// Mix is documents of several kinds in turn.
type Mix struct {
	Documents []Document
	LeftOut   []string // files that are not UTF-8
}

// Document is a text or a conversation.
type Document struct {
	File     string // where it is from
	Language string // the code of its language, of the default's documents in languages; see Mix.Known
	Text     string
	Messages []Message // of a conversation, which has no Text
}

// Message is one of a conversation.
type Message struct {
	Role    string `json:"role"`
	Content string `json:"content"`
}

// MaxBytes is how much a folder may hold.
const MaxBytes = 256 << 20

// Read mixes the texts of a folder. Errors wrap gguf.ErrInput or gguf.ErrEnvironment.
func Read(fsys fs.FS) (*Mix, error) {
	r := reader{fsys: fsys, room: MaxBytes}
	kinds, err := r.entries(".")
	if err != nil {
		return nil, err
	}
	m := &Mix{Documents: turns(kinds), LeftOut: r.leftOut}
	if len(m.Documents) == 0 {
		return nil, fmt.Errorf("%w: the folder has no text", gguf.ErrInput)
	}
	return m, nil
}

// File is the documents of a text, or of lines of JSON when the name ends in .jsonl. Errors wrap gguf.ErrInput.
func File(name, data string) (*Mix, error) {
	docs, err := read(name, data)
	if err == nil && len(docs) == 0 {
		err = fmt.Errorf("%w: %s has no text", gguf.ErrInput, name)
	}
	return &Mix{Documents: docs}, err
}

// Turns has the documents of several mixes take turns, as a folder's files do.
func Turns(mixes ...*Mix) *Mix {
	if len(mixes) == 1 {
		return mixes[0]
	}
	out := &Mix{}
	var lists [][]Document
	for _, m := range mixes {
		lists, out.LeftOut = append(lists, m.Documents), append(out.LeftOut, m.LeftOut...)
	}
	out.Documents = turns(lists)
	return out
}

type reader struct {
	fsys    fs.FS
	room    int64 // bytes
	leftOut []string
}

// entries are the documents of each entry of a folder, in the order of names.
func (r *reader) entries(dir string) (out [][]Document, err error) {
	list, err := fs.ReadDir(r.fsys, dir)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", gguf.ErrEnvironment, err)
	}
	for _, e := range list {
		name := path.Join(dir, e.Name())
		if strings.HasPrefix(e.Name(), ".") {
			continue
		}
		var docs []Document
		if e.IsDir() {
			within, err := r.entries(name)
			if err != nil {
				return nil, err
			}
			docs = turns(within)
		} else if docs, err = r.file(name); err != nil {
			return nil, err
		}
		if len(docs) > 0 {
			out = append(out, docs)
		}
	}
	return out, nil
}

// file are the documents of a file; of one that is no text, or no file, there are none.
func (r *reader) file(name string) ([]Document, error) {
	st, err := fs.Stat(r.fsys, name) // follows links, to files alone: folders could go in circles
	if err != nil {
		return nil, fmt.Errorf("%w: %w", gguf.ErrEnvironment, err)
	}
	if !st.Mode().IsRegular() {
		return nil, nil
	}
	if r.room -= st.Size(); r.room < 0 {
		return nil, fmt.Errorf("%w: the folder has more than %d MB: name a smaller one, of which less is left unused", gguf.ErrInput, MaxBytes>>20)
	}
	b, err := fs.ReadFile(r.fsys, name)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", gguf.ErrEnvironment, err)
	}
	if inputfile.CheckUTF8(name, b) != nil {
		r.leftOut = append(r.leftOut, name)
		return nil, nil
	}
	return read(name, string(b))
}

// JSONLines says whether a file of that name holds lines of JSON.
func JSONLines(name string) bool { return strings.EqualFold(path.Ext(name), ".jsonl") }

// read cuts a text, or reads lines of JSON.
func read(name, data string) ([]Document, error) {
	if JSONLines(name) {
		return lines(name, []byte(data))
	}
	return documents(name, data), nil
}

// turns takes one document at a time, of the list of which least was taken so far, until all are used up.
func turns(lists [][]Document) (out []Document) {
	at, taken := make([]int, len(lists)), make([]int, len(lists))
	for {
		next := -1
		for i, l := range lists {
			if at[i] < len(l) && (next < 0 || taken[i] < taken[next]) {
				next = i
			}
		}
		if next < 0 {
			return out
		}
		d := lists[next][at[next]]
		out = append(out, d)
		at[next]++
		taken[next] += weigh(d.plain())
	}
}

// Text is all documents, an empty line apart.
func (m *Mix) Text() string {
	var b strings.Builder
	for i, d := range m.Documents {
		if i > 0 {
			b.WriteString("\n\n")
		}
		b.WriteString(d.plain())
	}
	return b.String()
}

// plain is the text of a document, or of a conversation as people write it down.
func (d *Document) plain() string {
	if d.Messages == nil {
		return d.Text
	}
	var b strings.Builder
	for i, m := range d.Messages {
		if i > 0 {
			b.WriteString("\n\n")
		}
		b.WriteString(speaker(m.Role) + ": " + m.Content)
	}
	return b.String()
}

func speaker(role string) string {
	if role == "" {
		return role
	}
	return strings.ToUpper(role[:1]) + role[1:]
}
