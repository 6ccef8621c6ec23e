package main

import (
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
	"github.com/stretchr/testify/require"
)

func TestMain(m *testing.M) {
	testscript.Main(swept{m}, map[string]func(){
		"carat":      main,
		"fake-llama": fakeLlama,
		"stuck":      stuck,
	})
}

// fakeLlama stands for llama-perplexity: it prints $FAKE_OUT, or with $FAKE_ERR fails and says that.
func fakeLlama() {
	switch says := os.Getenv("FAKE_ERR"); {
	case os.Args[1] == "--version":
		fmt.Fprintln(os.Stderr, "version: "+os.Getenv("FAKE_VERSION"))
	case says != "":
		fmt.Fprintln(os.Stderr, says)
		os.Exit(1)
	default:
		fmt.Println(os.Getenv("FAKE_OUT"))
	}
}

// zeroDat is an importance matrix of one tensor "x" whose second column saw nothing.
var zeroDat = []byte("\x01\x00\x00\x00\x01\x00\x00\x00x\x01\x00\x00\x00\x02\x00\x00\x00\x00\x00\x80\x3f\x00\x00\x00\x00\x01\x00\x00\x00\x01\x00\x00\x00d")

// TestScript runs the command lines of testdata/script. $TINY is the embedded checkpoint, $BAD the
// malformed inputs of the golden data, when they are there; zero.dat is zeroDat, latin1.txt is no UTF-8.
func TestScript(t *testing.T) {
	t.Parallel()
	root, err := filepath.Abs("../..")
	require.NoError(t, err)
	testscript.Run(t, testscript.Params{
		Dir: "testdata/script",
		Setup: func(e *testscript.Env) error {
			e.Setenv("ROOT", root)
			e.Setenv("TINY", filepath.Join(root, "testdata", "tiny-llama"))
			e.Setenv("ENCODERS", filepath.Join(root, "testdata", "encoders"))
			e.Setenv("RERANKER", filepath.Join(root, "testdata", "encoders", "xlm-roberta-rank"))
			e.Setenv("LONGNAME", strings.Repeat("n", 300))
			e.Setenv("EVALTEXT", filepath.Join(root, "testdata", "eval.txt"))
			e.Setenv("REPORT", filepath.Join(root, "eval", "report", "testdata", "sample.json"))
			e.Setenv("CARAT_THREADS", "2")
			e.Setenv("LATIN1", "gr\xfcn")
			e.Setenv("CARAT_CACHE", filepath.Join(e.WorkDir, "cache"))
			if err := os.WriteFile(filepath.Join(e.WorkDir, "latin1.txt"), []byte("caf\xe9"), 0o600); err != nil {
				return err
			}
			return os.WriteFile(filepath.Join(e.WorkDir, "zero.dat"), zeroDat, 0o600)
		},
		Cmds: map[string]func(ts *testscript.TestScript, neg bool, args []string){"exits": exits, "sed": sed, "broken": broken, "damage": damage, "model": copyModel, "unhex": unhex, "adapter": writeAdapter, "hub": serveHub, "registry": serveRegistry},
	})
}

// exits CODE ARG... runs carat in this process and requires that exit code; stdout and stderr then hold
// what it printed.
func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits CODE ARG...")
	}
	err := ts.Exec("carat", args[1:]...)
	code := 0
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		code = exit.ExitCode()
	} else if err != nil {
		ts.Fatalf("%v", err)
	}
	if strconv.Itoa(code) != args[0] {
		ts.Fatalf("exit code %d, want %s", code, args[0])
	}
}

// adapter DIR writes an adapter, as PEFT saves it, that changes the queries of $TINY's first layer.
func writeAdapter(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: adapter DIR")
	}
	const header = `{"base_model.model.model.layers.0.self_attn.q_proj.lora_A.weight":{"dtype":"F32","shape":[1,256],"data_offsets":[0,1024]},` +
		`"base_model.model.model.layers.0.self_attn.q_proj.lora_B.weight":{"dtype":"F32","shape":[256,1],"data_offsets":[1024,2048]}}`
	b := append(binary.LittleEndian.AppendUint64(nil, uint64(len(header))), header...)
	for range 512 {
		b = binary.LittleEndian.AppendUint32(b, math.Float32bits(0.25))
	}
	dir := ts.MkAbs(args[0])
	ts.Check(os.Mkdir(dir, 0o700))
	ts.Check(os.WriteFile(filepath.Join(dir, "adapter_model.safetensors"), b, 0o600))
	ts.Check(os.WriteFile(filepath.Join(dir, "adapter_config.json"), []byte(`{"peft_type": "LORA", "r": 1, "lora_alpha": 2}`), 0o600))
}

// unhex HEX FILE writes bytes that no script can hold.
func unhex(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: unhex HEX FILE")
	}
	b, err := hex.DecodeString(args[0])
	ts.Check(err)
	ts.Check(os.WriteFile(ts.MkAbs(args[1]), b, 0o600))
}

// sed OLD NEW FILE OUT writes FILE to OUT with every OLD replaced, of which there must be one.
func sed(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 4 {
		ts.Fatalf("usage: sed OLD NEW FILE OUT")
	}
	text := ts.ReadFile(args[2])
	if !strings.Contains(text, args[0]) {
		ts.Fatalf("%s has no %q", args[2], args[0])
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[3]), []byte(strings.ReplaceAll(text, args[0], args[1])), 0o600))
}
