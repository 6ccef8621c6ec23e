package job

import (
	"context"
	"fmt"
	"testing"

	"github.com/carat-llm/carat/gguf"
	"github.com/stretchr/testify/require"
)

// changing is a model whose file has changed when it is asked.
type changing struct {
	gguf.Model
	asked int
}

func (c *changing) Unchanged() error {
	c.asked++
	return fmt.Errorf("%w: m.gguf changed", gguf.ErrInput)
}

// TestModelChanges: figures of a model that changed while it was measured are not told, whichever it is, and whether
// the run came to its end or not.
func TestModelChanges(t *testing.T) {
	for name, change := range map[string]func(j *Job, m gguf.Model){
		"the reference": func(j *Job, m gguf.Model) { j.Reference.Source = m },
		"a candidate":   func(j *Job, m gguf.Model) { j.Candidates[1].Source = m },
	} {
		for _, interrupted := range []bool{false, true} {
			j, m := jobOf(), &changing{}
			j.Tolerant = true
			change(j, m)
			ctx, cancel := context.WithCancel(context.Background())
			if interrupted {
				session := j.Candidates[0].Loaded.Session.(*bigram)
				session.cancelAfter, session.cancel = 2, cancel
			}
			r, err := j.Run(ctx)
			cancel()
			require.ErrorIs(t, err, gguf.ErrInput, name)
			require.ErrorContains(t, err, "m.gguf changed")
			require.Nil(t, r)
			require.Equal(t, 1, m.asked)
		}
	}
	j := jobOf()
	j.Candidates[1].Source, j.Candidates[1].Failure = &changing{}, "it failed before"
	r, err := j.Run(context.Background())
	require.NoError(t, err, "of a failed candidate there are no figures")
	require.NotNil(t, r)
}
