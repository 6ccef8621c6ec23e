//go:build unix

// Tokspeed prints how many MB of text a second tokenizers cut, by processor time of one thread:
//
//	go run ./scripts/tokspeed --text english.txt,code.txt FOLDER...
//
// A folder has a tokenizer.json, and may have a config.json that names the class. hf.py does the same with Hugging Face's
// tokenizers.
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/carat-llm/carat/convert/vocab"
	"github.com/carat-llm/carat/gguf"
	"github.com/carat-llm/carat/runtime/tokenizer"
)

func main() {
	texts := flag.String("text", "", "`FILES` to cut, separated by commas")
	flag.Parse()
	for _, dir := range flag.Args() {
		for _, text := range strings.Split(*texts, ",") {
			speed, tokens, err := measure(dir, text)
			if err != nil {
				fmt.Fprintf(os.Stderr, "tokspeed: %s: %v\n", dir, err)
				os.Exit(1)
			}
			fmt.Printf("%-12s %-20s %6.1f MB/s %9d tokens\n", filepath.Base(dir), filepath.Base(text), speed, tokens)
		}
	}
}

func measure(dir, text string) (speed float64, tokens int, err error) {
	config := map[string]any{}
	if b, err := os.ReadFile(filepath.Join(dir, "config.json")); err == nil {
		if err := json.Unmarshal(b, &config); err != nil {
			return 0, 0, err
		}
	}
	class := "LlamaForCausalLM"
	if list, ok := config["architectures"].([]any); ok && len(list) == 1 {
		class, _ = list[0].(string)
	}
	kvs, err := vocab.Load(dir, vocab.Options{Class: class, Config: config})
	if err != nil {
		return 0, 0, err
	}
	md := &gguf.Metadata{}
	for _, kv := range kvs {
		md.Set(kv.Key, kv.Value)
	}
	tok, err := tokenizer.New(md)
	if err != nil {
		return 0, 0, err
	}
	b, err := os.ReadFile(text)
	if err != nil {
		return 0, 0, err
	}
	start := seconds()
	ids, err := tok.Encode(string(b), false, false)
	return float64(len(b)) / 1e6 / (seconds() - start), len(ids), err
}

// seconds is the processor time of this process.
func seconds() float64 {
	var u syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	return float64(u.Utime.Sec) + float64(u.Utime.Usec)/1e6
}
