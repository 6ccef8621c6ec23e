package main

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/carat-llm/carat/eval/text"
	"github.com/carat-llm/carat/gguf"
	"github.com/carat-llm/carat/internal/hint"
	"github.com/carat-llm/carat/quantize/calibration"
	"github.com/carat-llm/carat/runtime/chat"
	"github.com/carat-llm/carat/runtime/engine"
)

// defaultCalibration names the text that comes with carat.
const defaultCalibration = "default"

// calibrationText is a text to calibrate with: a file, or a mix of folders, files and the text that comes with carat.
type calibrationText struct {
	text.Text
	arg string           // what names it, or a list of that
	mix *calibration.Mix // nil for a file
	// kept is mix without the languages of carat's text that the model does not know, once that is asked for; unknown are their codes,
	// until they were told.
	kept    *calibration.Mix
	unknown []string
}

// readCalibration reads what a flag names: "default", a folder or a file, or several of these, which take turns.
func readCalibration(in io.Reader, args ...string) (*calibrationText, error) {
	if len(args) == 1 && !isMix(args[0]) {
		t, err := readCalibrationFile(in, args[0])
		return &calibrationText{Text: t, arg: args[0]}, err
	}
	var names []string
	var mixes []*calibration.Mix
	for _, arg := range args {
		name, m, err := readMix(in, arg)
		if err != nil {
			return nil, err
		}
		names, mixes = append(names, name), append(mixes, m)
	}
	name, m := strings.Join(names, "+"), calibration.Turns(mixes...)
	return &calibrationText{Text: text.NewText(name, name, m.Text()), arg: strings.Join(args, ", "), mix: m}, nil
}

// isMix says whether an argument is documents rather than one text.
func isMix(arg string) bool {
	return arg == defaultCalibration || isFolder(arg) || calibration.JSONLines(arg)
}

// readMix reads the documents that one argument names.
func readMix(in io.Reader, arg string) (name string, m *calibration.Mix, err error) {
	if arg == defaultCalibration {
		return arg, calibration.Default(), nil
	}
	if isFolder(arg) {
		m, err = calibration.Read(os.DirFS(arg))
		if err != nil {
			err = fmt.Errorf("%s: %w", arg, err)
		}
		return filepath.Base(filepath.Clean(arg)), m, err
	}
	t, err := readCalibrationFile(in, arg)
	if err != nil {
		return "", nil, err
	}
	m, err = calibration.File(arg, t.Data)
	return t.File, m, err
}

func readCalibrationFile(in io.Reader, arg string) (text.Text, error) {
	t, err := readText(in, arg)
	if err != nil && !exists(arg) {
		err = hint.Wrap(err, "--calibration default is the text that comes with carat")
	}
	return t, err
}

// noteLeftOut says which files of a folder are no texts.
func (t *calibrationText) noteLeftOut(g global) {
	if t.mix == nil || len(t.mix.LeftOut) == 0 || g.quiet {
		return
	}
	list, more := t.mix.LeftOut, ""
	if len(list) > 3 {
		list, more = list[:3], fmt.Sprintf(" and %d more", len(list)-3)
	}
	printf(g.err, "carat: note: left out of %s, as they are not UTF-8 text: %s%s\n", t.arg, strings.Join(list, ", "), more)
}

// chunks are the first n chunks of length tokens, as the model of e reads them.
func (t *calibrationText) chunks(e *engine.Engine, md *gguf.Metadata, length, n int) ([][]int32, error) {
	tok, err := e.Tokenizer()
	if err != nil {
		return nil, err
	}
	if t.mix == nil {
		return text.Chunks(t.arg, t.Data, tok, text.Options{Context: length, Chunks: n})
	}
	mix, err := t.known(e, tok)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", t.arg, err)
	}
	chunks, err := mix.Chunks(tok, conversations(md), length, n)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", t.arg, err)
	}
	return chunks, nil
}

// conversations writes conversations by the chat template of a model; it is nil if the model has none that works.
func conversations(md *gguf.Metadata) func([]calibration.Message) (string, bool) {
	t, err := chat.New(md)
	if err != nil || t.Default() {
		return nil
	}
	// Some templates tell the date, and the text must not depend on it.
	o := chat.Options{MergeSystem: true, Date: time.Date(2025, time.January, 1, 0, 0, 0, 0, time.UTC)}
	return func(messages []calibration.Message) (string, bool) {
		list := make([]chat.Message, len(messages))
		for i, m := range messages {
			list[i] = chat.Message{Role: m.Role, Content: m.Content}
		}
		s, err := t.Render(list, o)
		return s, err == nil // templates may refuse: roles that they do not know, or their order
	}
}

// identify is a sum of the tokens of a mix, which depend on the model's template, too. A file's SHA-256 identifies its.
func (t *calibrationText) identify(chunks [][]int32) string {
	if t.mix == nil {
		return t.SHA256
	}
	sum := sha256.New()
	_, _ = io.WriteString(sum, t.SHA256)
	for _, c := range chunks {
		_ = binary.Write(sum, binary.LittleEndian, c) // a hash takes all
	}
	return hex.EncodeToString(sum.Sum(nil))
}
