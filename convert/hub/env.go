package hub

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"github.com/carat-llm/carat/gguf"
	"github.com/carat-llm/carat/internal/hfcache"
	"github.com/carat-llm/carat/internal/inputfile"
)

// endpoint is the hub's address: $HF_ENDPOINT, or that of Hugging Face.
func endpoint() (*url.URL, error) {
	s := strings.TrimRight(cmp.Or(os.Getenv("HF_ENDPOINT"), "https://huggingface.co"), "/")
	u, err := url.Parse(s)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.RawQuery != "" || u.Fragment != "" {
		return nil, fmt.Errorf("%w: HF_ENDPOINT must be the address of a hub, as https://huggingface.co (got %q)", gguf.ErrEnvironment, s)
	}
	return u, nil
}

// token is what the user proves with who they are: $HF_TOKEN, or what `hf auth login` has stored; "" is none.
func token() (string, error) {
	for _, name := range []string{"HF_TOKEN", "HUGGING_FACE_HUB_TOKEN"} {
		if t := strings.TrimSpace(os.Getenv(name)); t != "" {
			return t, nil
		}
	}
	if isTrue(os.Getenv("HF_HUB_DISABLE_IMPLICIT_TOKEN")) {
		return "", nil
	}
	path := os.ExpandEnv(os.Getenv("HF_TOKEN_PATH"))
	if path == "" {
		home, err := hfcache.Home()
		if err != nil {
			return "", err
		}
		path = filepath.Join(home, "token")
	}
	b, err := inputfile.ReadSmall(path, 1<<12)
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	return strings.TrimSpace(string(b)), err
}

// offline reports whether the user wants no network to be used.
func offline() bool {
	return isTrue(cmp.Or(os.Getenv("HF_HUB_OFFLINE"), os.Getenv("TRANSFORMERS_OFFLINE")))
}

func isTrue(v string) bool {
	switch strings.ToUpper(v) {
	case "1", "ON", "YES", "TRUE":
		return true
	}
	return false
}
