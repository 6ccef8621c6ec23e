package inputfile

import (
	"errors"
	"fmt"
	"io"
	"unicode/utf8"
)

// Limits of what is read whole. None is reached by a sound file.
const (
	MaxConfig = 64 << 20  // config.json and the other small files of a checkpoint folder
	MaxVocab  = 512 << 20 // tokenizer.json, tokenizer.model
	MaxText   = 4 << 30   // texts to evaluate or calibrate with
)

// ReadSmall reads the regular file at path whole. More than limit bytes are refused before they are read.
func ReadSmall(path string, limit int64) ([]byte, error) {
	f, err := Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if f.size > limit {
		return nil, fmt.Errorf("%w: %s: has %d bytes, but such a file can have at most %d", ErrInput, path, f.size, limit)
	}
	b := make([]byte, f.size)
	if f.size > 0 {
		_, err = f.ReadAt(b, 0)
	} else if b, err = io.ReadAll(io.LimitReader(f.f, limit+1)); int64(len(b)) > limit { // some systems' files have no size
		err = fmt.Errorf("%w: %s: such a file can have at most %d bytes", ErrInput, path, limit)
	}
	return b, errors.Join(err, f.Unchanged())
}

// ReadText is ReadSmall for a file that must be UTF-8.
func ReadText(path string, limit int64) ([]byte, error) {
	b, err := ReadSmall(path, limit)
	if err != nil {
		return nil, err
	}
	return b, CheckUTF8(path, b)
}

// BOM is the byte order mark that some editors begin UTF-8 with.
const BOM = "\ufeff"

// CheckUTF8 refuses text that is not UTF-8 with the place of the first byte that is not. name is for the message.
func CheckUTF8(name string, text []byte) error {
	if utf8.Valid(text) {
		return nil
	}
	at := 0
	for {
		r, n := utf8.DecodeRune(text[at:])
		if r == utf8.RuneError && n == 1 {
			break
		}
		at += n
	}
	hint := "convert it, for example with iconv -f latin1 -t utf-8"
	if len(text) > 1 && (text[0] == 0xff && text[1] == 0xfe || text[0] == 0xfe && text[1] == 0xff) {
		hint = "it looks like UTF-16: convert it, for example with iconv -f utf-16 -t utf-8"
	}
	return fmt.Errorf("%w: %s: byte 0x%02x at offset %d is not UTF-8; %s", ErrInput, name, text[at], at, hint)
}
