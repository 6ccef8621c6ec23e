package cache

import (
	"encoding/json"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/carat-llm/carat/gguf"
	"github.com/carat-llm/carat/internal/atomicfile"
	"github.com/carat-llm/carat/internal/inputfile"
)

// settled is how old a file must be when it is hashed.
const settled = 2 * time.Second

// Sums hashes files and remembers, in a file of its own, the sums of those that have not changed, so that asking
// again for the sum of a large model costs a stat and not a read. A file is taken as unchanged when its path, size,
// time of modification and inode are those of the time it was hashed. A file modified less than two seconds before
// it was hashed is not remembered: a change in the same tick of a coarse clock could not be seen. nil remembers
// nothing.
type Sums struct {
	path    string
	mu      sync.Mutex
	entries map[string]entry // by absolute path
	changed bool
}

type entry struct {
	Size   int64  `json:"size"`
	Mtime  int64  `json:"mtime_ns"`
	Inode  uint64 `json:"inode,omitempty"`
	SHA256 string `json:"sha256"`
}

// OpenSums reads what is remembered at path. A file that is missing or not readable is empty: it is a cache.
func OpenSums(path string) *Sums {
	x := &Sums{path: path, entries: map[string]entry{}}
	b, err := inputfile.ReadSmall(path, maxAnswer)
	if err != nil || json.Unmarshal(b, &x.entries) != nil || x.entries == nil {
		x.entries = map[string]entry{}
	}
	return x
}

// Hash is gguf.HashFile, without reading the file when its sum is known.
func (x *Sums) Hash(path string) (gguf.FileHash, error) {
	if x == nil || x.path == "" {
		return gguf.HashFile(path)
	}
	abs, err := filepath.Abs(path)
	if err != nil {
		return gguf.FileHash{}, err
	}
	before, err := os.Stat(path)
	if err != nil {
		return gguf.HashFile(path) // has the error's words
	}
	now := entry{Size: before.Size(), Mtime: before.ModTime().UnixNano(), Inode: inode(before)}
	x.mu.Lock()
	e, ok := x.entries[abs]
	x.mu.Unlock()
	if ok {
		now.SHA256 = e.SHA256
		if e == now {
			return gguf.FileHash{Name: filepath.Base(path), Bytes: e.Size, SHA256: e.SHA256}, nil
		}
	}
	begin := time.Now()
	h, err := gguf.HashFile(path)
	if err != nil {
		return h, err
	}
	if h.Bytes == now.Size && begin.Sub(before.ModTime()) > settled {
		now.SHA256 = h.SHA256
		x.mu.Lock()
		x.entries[abs], x.changed = now, true
		x.mu.Unlock()
	}
	return h, nil
}

// Save writes what was learned.
func (x *Sums) Save() error {
	if x == nil || !x.changed {
		return nil
	}
	b, err := json.Marshal(x.entries)
	if err != nil {
		return err
	}
	return atomicfile.WriteFile(x.path, b)
}
