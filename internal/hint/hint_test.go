package hint_test

import (
	"fmt"
	"io"
	"testing"

	"github.com/carat-llm/carat/internal/hint"
	"github.com/stretchr/testify/require"
)

func TestHint(t *testing.T) {
	require.NoError(t, hint.Wrap(nil, "x"))
	err := fmt.Errorf("a.gguf: %w", hint.Wrap(io.ErrUnexpectedEOF, "copy %s again", "a.gguf"))
	require.Equal(t, "a.gguf: unexpected EOF", err.Error())
	require.Equal(t, "copy a.gguf again", hint.Of(err))
	require.ErrorIs(t, err, io.ErrUnexpectedEOF)
	require.Empty(t, hint.Of(io.EOF))
}
