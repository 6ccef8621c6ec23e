package serve

import (
	"cmp"
	"fmt"
	"time"

	"github.com/carat-llm/carat/gguf"
	"github.com/carat-llm/carat/runtime/embed"
	"github.com/carat-llm/carat/runtime/generate"
)

// Options of a server. Zero values of numbers stand for what is said of each.
type Options struct {
	// Name is the model's in answers.
	Name string
	// Slots is the number of sequences that are written at once; 4.
	Slots int
	// Queue is the number of sequences that may wait for a slot; more are refused with status 429. 64.
	Queue int
	// Context is the number of tokens of a slot, prompt and answer; what the model was trained for, but at most 4096. The memory of the caches
	// of all slots is allocated at once.
	Context int
	// Params are those of requests that do not say otherwise. Without a seed of theirs, requests are given one by chance unless Seeded says that
	// Params has one for all.
	Params generate.Params
	Seeded bool
	// Pooling makes vectors of activations; nil is what the model says.
	Pooling *embed.Pooling
	// Plain leaves vectors at the length that they have.
	Plain bool
	// Key, if not empty, is what requests must carry as bearer token.
	Key string
	// Origins may read answers in browsers: "*" for all, or one as https://example.org; empty for none but the server's own page.
	Origins string
	// Loopback says that clients are of this machine only, so that requests that name another host are refused (DNS rebinding).
	Loopback bool
	// Timeout is the longest time of a request, in the queue and in its slot; 10 minutes.
	Timeout time.Duration
	// WriteTimeout is how long a client may not read; 30 seconds.
	WriteTimeout time.Duration
	// MaxBody is the largest size of a request in bytes; 16 MiB.
	MaxBody int64
}

const mostContext = 4096 // unless it is asked for

func (o *Options) settle(trained int) error {
	o.Slots, o.Queue = cmp.Or(o.Slots, 4), cmp.Or(o.Queue, 64)
	o.Context = cmp.Or(o.Context, min(trained, mostContext))
	o.Timeout, o.WriteTimeout = cmp.Or(o.Timeout, 10*time.Minute), cmp.Or(o.WriteTimeout, 30*time.Second)
	o.MaxBody = cmp.Or(o.MaxBody, 16<<20)
	if o.Params.TopP == 0 {
		o.Params.TopP = 1
	}
	if o.Slots < 1 || o.Slots > 1024 || o.Queue < 0 || o.Context < 2 {
		return fmt.Errorf("%w: %d slots of %d tokens and a queue of %d cannot be served", gguf.ErrInput, o.Slots, o.Context, o.Queue)
	}
	return nil
}
