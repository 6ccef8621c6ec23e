package pickle

import (
	"archive/zip"
	"bytes"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	p "github.com/carat-llm/carat/convert/pickle/pickletest"
	"github.com/carat-llm/carat/convert/safetensors"
	"github.com/carat-llm/carat/gguf"
	"github.com/stretchr/testify/require"
)

// one is an archive of one storage of 4 float32 and that pickle.
func one(pickle string) []byte {
	return p.Archive(zip.Store, map[string]string{"data.pkl": pickle, "data/0": strings.Repeat("\x00", 16), "byteorder": "little"})
}

// tensor is an archive of one tensor of that storage.
func viewOf(offset int64, shape, strides []int64) []byte {
	return one(p.Saved(p.Str("w") + p.Tensor(p.Storage("FloatStorage", "0", 4), offset, shape, strides)))
}

func openBytes(t testing.TB, b []byte) error {
	path := filepath.Join(t.TempDir(), "pytorch_model.bin")
	require.NoError(t, os.WriteFile(path, b, 0o600))
	f, err := OpenFile(filepath.Dir(path), filepath.Base(path))
	if err != nil {
		require.ErrorIs(t, err, gguf.ErrInput)
		require.ErrorContains(t, err, "pytorch_model.bin: ")
		return err
	}
	for _, x := range f.Tensors() {
		require.NoError(t, x.ReadAt(make([]byte, x.Size()), 0))
		x.Bytes()
	}
	return f.Close()
}

// TestHostile reads files that no checkpoint is.
func TestHostile(t *testing.T) {
	whole := viewOf(0, []int64{2, 2}, []int64{2, 1})
	require.NoError(t, openBytes(t, whole))
	entry := p.Str("w") + p.Tensor(p.Storage("FloatStorage", "0", 4), 0, []int64{4}, []int64{1})
	legacy, err := os.ReadFile("testdata/legacy.bin")
	require.NoError(t, err)
	many := func(s string, n int) []byte { return one(p.Proto + strings.Repeat(s, n) + p.Stop) }
	for name, c := range map[string]struct {
		file []byte
		want string
	}{
		"calls a command":      {one(p.Proto + p.Global("os", "system") + p.Tuple + p.Str("echo") + p.TupleEnd + p.Reduce + p.Stop), `needs "os.system"`},
		"calls by two texts":   {one(p.Proto + p.Str("posix") + p.Str("system") + "\x93" + p.Tuple + p.Str("echo") + p.TupleEnd + p.Reduce + p.Stop), `needs "posix.system"`},
		"a class":              {one(p.Proto + p.Global("transformers.training_args", "TrainingArguments") + ")\x81."), `"transformers.training_args.TrainingArguments"`},
		"a class of old":       {one("\x80\x02(i__main__\nModel\n."), "instruction 0x69"},
		"a whole model":        {one(p.Proto + p.Global("torch.nn.modules.linear", "Linear") + ")\x81}b."), `needs "torch.nn.modules.linear.Linear"`},
		"numpy":                {one(p.Proto + p.Global("numpy.core.multiarray", "scalar") + "."), "numpy.core.multiarray.scalar"},
		"a type as a function": {one(p.Proto + p.Global("torch", "FloatStorage") + ")R."), "torch.FloatStorage, which is not a function"},
		"a number as one":      {one(p.Proto + p.Int(1) + ")R."), "calls a number"},
		"calls itself":         {one(p.Proto + p.Global("torch._tensor", "_rebuild_from_type_v2") + p.Tuple + p.Global("torch._tensor", "_rebuild_from_type_v2") + p.Global("torch", "Tensor") + "))" + p.TupleEnd + p.Reduce + p.Stop), "expected a function"},
		"state of a number":    {one(p.Proto + p.Int(1) + "}b."), "sets the state of a number"},

		"nothing":            {nil, "neither a zip archive"},
		"text":               {[]byte("hello, world"), "neither a zip archive"},
		"tar":                {append(append(make([]byte, 257), "ustar"...), make([]byte, 250)...), "a tar archive"},
		"cut off":            {whole[:len(whole)-1], "zip archive cannot be read"},
		"cut off in front":   {whole[:40], "zip archive cannot be read"},
		"no pickle":          {p.Archive(zip.Store, map[string]string{"data/0": ""}), "no data.pkl"},
		"empty pickle":       {one(""), "the pickle ends at byte 0"},
		"compressed":         {p.Archive(zip.Deflate, map[string]string{"data.pkl": p.Saved(""), "data/0": ""}), "compressed or encrypted"},
		"a program":          {p.Archive(zip.Store, map[string]string{"data.pkl": p.Saved(""), "constants.pkl": ""}), "TorchScript"},
		"big-endian":         {p.Archive(zip.Store, map[string]string{"data.pkl": p.Saved(""), "byteorder": "big"}), `byteorder is "big"`},
		"legacy cut off":     {legacy[:len(legacy)-1], "it is cut off"},
		"legacy in a pickle": {legacy[:600], "the pickle ends at byte 600"},
		"legacy big-endian":  {[]byte(strings.Replace(string(legacy), "little_endianq\x02\x88", "little_endianq\x02\x89", 1)), "big-endian"},

		"no dictionary":        {one(p.Proto + p.None + p.Stop), "it holds None"},
		"no tensors":           {one(p.Saved(p.Str("a") + p.Int(1))), "its dictionary of 1 entries has no tensors"},
		"stack is empty":       {one(p.Proto + "."), "takes a value that is not there"},
		"below the mark":       {one(p.Proto + "N(a."), "takes a value that is not there"},
		"no mark":              {one(p.Proto + "Nt."), "looks for a mark"},
		"not kept":             {one(p.Proto + "h\x07."), "refers to value 7"},
		"nothing to keep":      {one(p.Proto + "q\x07."), "takes a value that is not there"},
		"key without value":    {one(p.Proto + "}(Nu."), "a key without a value"},
		"appends to none":      {one(p.Proto + "N(Ne."), "appends to None"},
		"new protocol":         {one("\x80\x09."), "protocol 9"},
		"protocol 0":           {one("(dp0\n."), "instruction 0x64"},
		"text of 4 GB":         {one(p.Proto + "X\xff\xff\xff\xff."), "the pickle ends"},
		"text of 16 EB":        {one(p.Proto + "\x8d\xff\xff\xff\xff\xff\xff\xff\xff."), "the pickle ends"},
		"name without end":     {one(p.Proto + "ctorch"), "ends within a name"},
		"deep":                 {many("(", maxStack+1), "marks at a time"},
		"deep tuples":          {one(p.Proto + "N" + strings.Repeat("\x85", 1<<20) + p.Stop), "it holds a tuple"},
		"full":                 {many("N", maxStack+1), "values at a time"},
		"long":                 {many("N0", maxSteps/2+1), "instructions"},
		"holds itself":         {one(p.Proto + "}q\x00(" + p.Str("model") + "h\x00" + p.Str("state_dict") + "h\x00u."), "no tensors"},
		"id of no storage":     {one(p.Proto + p.Str("x") + "Q."), "refers to data by a text"},
		"id too short":         {one(p.Proto + p.Tuple + p.Str("storage") + p.TupleEnd + "Q."), "expected a storage"},
		"storage of nothing":   {one(p.Proto + p.Tuple + p.Str("storage") + "NNNN" + p.TupleEnd + "Q."), "a storage is described by"},
		"storage missing":      {one(p.Saved(p.Str("w") + p.Tensor(p.Storage("FloatStorage", "7", 4), 0, []int64{4}, []int64{1}))), `storage "7" is not in`},
		"storage below":        {one(p.Saved(p.Str("w") + p.Tensor(p.Storage("FloatStorage", "../data.pkl", 4), 0, []int64{4}, []int64{1}))), `is not in its zip archive`},
		"storage too large":    {one(p.Saved(p.Str("w") + p.Tensor(p.Storage("FloatStorage", "0", 5), 0, []int64{4}, []int64{1}))), `should have 20 bytes, but archive/data/0 has 16`},
		"storage overflows":    {one(p.Saved(p.Str("w") + p.Tensor(p.Storage("DoubleStorage", "0", math.MaxInt64/4), 0, []int64{4}, []int64{1}))), "elements"},
		"storage of no type":   {one(p.Saved(p.Str("w") + p.Tensor(p.Storage("UntypedStorage", "0", 16), 0, []int64{4}, []int64{1}))), "which has no type"},
		"complex":              {one(p.Saved(p.Str("w") + p.Tensor(p.Storage("ComplexFloatStorage", "0", 2), 0, []int64{2}, []int64{1}))), `needs "torch.ComplexFloatStorage"`},
		"negative size":        {viewOf(0, []int64{-4}, []int64{1}), "from 0 on"},
		"negative stride":      {viewOf(3, []int64{4}, []int64{-1}), "from 0 on"},
		"negative offset":      {viewOf(-1, []int64{4}, []int64{1}), "an offset in it"},
		"behind the end":       {viewOf(1, []int64{4}, []int64{1}), "does not lie in its storage"},
		"offset at the end":    {viewOf(4, []int64{1}, []int64{1}), "does not lie in its storage"},
		"scalar at the end":    {viewOf(4, nil, nil), "does not lie in its storage"},
		"far stride":           {viewOf(0, []int64{2, 2}, []int64{math.MaxInt64, 1}), "does not lie in its storage"},
		"offset overflows":     {viewOf(math.MaxInt64, []int64{2}, []int64{1}), "does not lie in its storage"},
		"elements repeat":      {viewOf(0, []int64{1 << 40}, []int64{0}), "does not lie in its storage"},
		"elements overflow":    {viewOf(0, []int64{1 << 62, 1 << 62, 1 << 62}, []int64{0, 0, 0}), "does not lie in its storage"},
		"huge and empty":       {viewOf(0, []int64{0, math.MaxInt64}, []int64{1, 1}), "does not lie in its storage"},
		"shape and strides":    {viewOf(0, []int64{4}, []int64{1, 1}), "but the strides"},
		"shape of text":        {one(p.Saved(p.Str("w") + p.Global("torch._utils", "_rebuild_tensor") + p.Tuple + p.Storage("FloatStorage", "0", 4) + p.Int(0) + p.Str("4") + p.Ints(1) + p.TupleEnd + p.Reduce)), "in place of its shape"},
		"parameter of nothing": {one(p.Saved(p.Str("w") + p.Global("torch._utils", "_rebuild_parameter") + ")R")), "expected a tensor first"},
		"entries behind stop":  {one(p.Saved(entry)[:20]), "the pickle ends"},
	} {
		t.Run(name, func(t *testing.T) { require.ErrorContains(t, openBytes(t, c.file), c.want) })
	}
	require.NoError(t, openBytes(t, viewOf(9, []int64{0}, []int64{1})), "an empty tensor lies anywhere")
}

// loadBytes requires that all elements of all tensors are in the file.
func loadBytes(t *testing.T, b []byte) {
	root, err := load(bytes.NewReader(b))
	if err != nil {
		return
	}
	state, _ := stateOf(root)
	for name, x := range state {
		width := safetensors.Width(x.dtype)
		require.Positive(t, width)
		last, elements := x.offset, int64(1)
		for i, n := range x.shape {
			last, elements = last+(n-1)*x.strides[i], elements*n
		}
		if elements > 0 {
			require.GreaterOrEqual(t, x.storage.begin, int64(0))
			require.LessOrEqual(t, x.storage.begin+(last+1)*width, int64(len(b)), name)
			require.LessOrEqual(t, elements*width, int64(len(b)), name)
		}
	}
}

// FuzzPickle runs pickles beside one storage.
func FuzzPickle(f *testing.F) {
	f.Add([]byte(p.Saved(p.Str("w") + p.Tensor(p.Storage("FloatStorage", "0", 4), 0, []int64{2, 2}, []int64{1, 2}))))
	f.Add([]byte(p.Proto + p.Global("os", "system") + p.Tuple + p.Str("echo") + p.TupleEnd + p.Reduce + p.Stop))
	f.Add([]byte(p.Proto + "}q\x00(" + p.Str("model") + "h\x00u."))
	f.Add([]byte(p.Proto + "\x8c\x05torch\x8c\x04Size\x93))R\x94."))
	f.Fuzz(func(t *testing.T, b []byte) { loadBytes(t, one(string(b))) })
}

// FuzzFile opens whole files.
func FuzzFile(f *testing.F) {
	for _, name := range []string{"dtypes", "views", "legacy", "nested"} {
		b, err := os.ReadFile(filepath.Join("testdata", name+".bin"))
		require.NoError(f, err)
		f.Add(b)
	}
	f.Fuzz(loadBytes)
}
