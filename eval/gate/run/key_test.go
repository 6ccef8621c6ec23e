package run

import (
	"fmt"
	"reflect"
	"strings"
	"testing"
	"unsafe"

	"github.com/stretchr/testify/require"
)

// TestKeyFields changes every field of the inputs, however deep: the key must change, except for what only says
// where something is or goes.
func TestKeyFields(t *testing.T) {
	var in Inputs
	v := reflect.ValueOf(&in).Elem()
	populate(v, 0)
	first, err := in.sum()
	require.NoError(t, err)
	changed, same := map[string]bool{}, map[string]bool{}
	eachLeaf(v, "", false, func(path string, outside bool) {
		k, err := in.sum()
		require.NoError(t, err)
		if outside || strings.HasPrefix(path, "Baseline.Gate.") && path != "Baseline.Gate.Candidate" {
			require.Equal(t, first, k, path)
			same[path] = true
		} else {
			require.NotEqual(t, first, k, path)
			changed[path] = true
		}
	})
	last, err := in.sum()
	require.NoError(t, err)
	require.Equal(t, first, last, "all is as it was")
	for _, path := range []string{
		"Request.Policy.Gates[].Value", "Request.Policy.SHA256", "Request.Policy.Context", "Request.WarnOnly", "Request.Convert", "Request.Computation.Compute",
		"Request.Computation.KVType", "Texts[].Data", "Texts[].Name", "Items[].SHA256", "Recipe.Tensors[].Type", "Imatrix.entries{}.sums[]",
		"Baseline.Candidates[].Model.SHA256", "Baseline.Gate.Candidate", "Calibration.SHA256", "Findings[].Message", "Llama.Path", "NoLlama",
		"Identity.LlamaSHA256", "Identity.Program.SHA256", "Identity.Program.Kernel", "Identity.Candidate.Model.SHA256", "Identity.Source.Model.SHA256",
		"Identity.Reference.Model.SHA256", "Identity.Candidate.Metadata[].Key", "Identity.Candidate.Tensors[].Type", "Identity.BuiltName", "Identity.Day",
		"Identity.CPU", "Identity.Threads",
	} {
		require.True(t, changed[path], path)
	}
	for _, path := range []string{"Request.Given", "Request.Out", "Request.Keep", "Request.LastReport", "Request.Resume"} {
		require.True(t, same[path], path)
	}
}

// settable is v even where its field is not exported.
func settable(v reflect.Value) reflect.Value {
	return reflect.NewAt(v.Type(), unsafe.Pointer(v.UnsafeAddr())).Elem()
}

// populate gives everything in v a value: one element to lists and maps, something to point to to pointers.
func populate(v reflect.Value, depth int) {
	if depth > 12 {
		return
	}
	v = settable(v)
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			populate(v.Field(i), depth+1)
		}
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		populate(v.Elem(), depth+1)
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 1, 1))
		populate(v.Index(0), depth+1)
	case reflect.Map:
		key, value := reflect.New(v.Type().Key()).Elem(), reflect.New(v.Type().Elem()).Elem()
		populate(key, depth+1)
		populate(value, depth+1)
		v.Set(reflect.MakeMap(v.Type()))
		v.SetMapIndex(key, value)
	case reflect.Interface:
		if v.Type().NumMethod() == 0 {
			v.Set(reflect.ValueOf("any"))
		}
	default:
		bump(v)
	}
}

// bump changes a value without parts.
func bump(v reflect.Value) {
	switch v.Kind() {
	case reflect.Bool:
		v.SetBool(!v.Bool())
	case reflect.String:
		v.SetString(v.String() + "x")
	case reflect.Float32, reflect.Float64:
		v.SetFloat(v.Float() + 1)
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		v.SetInt(v.Int() + 1)
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		v.SetUint(v.Uint() + 1)
	case reflect.Interface:
		v.Set(reflect.ValueOf("other"))
	default:
		panic(fmt.Sprintf("no other value of a %s is known", v.Type()))
	}
}

// eachLeaf changes one value without parts after the other, calls check, and puts it back. outside is what a tag leaves
// out of the key.
func eachLeaf(v reflect.Value, path string, outside bool, check func(path string, outside bool)) {
	v = settable(v)
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			f := v.Type().Field(i)
			eachLeaf(v.Field(i), strings.TrimPrefix(path+"."+f.Name, "."), outside || f.Tag.Get("key") == "-", check)
		}
	case reflect.Pointer:
		if !v.IsNil() {
			eachLeaf(v.Elem(), path, outside, check)
		}
	case reflect.Slice, reflect.Array:
		for i := range v.Len() {
			eachLeaf(v.Index(i), path+"[]", outside, check)
		}
	case reflect.Map:
		for _, key := range v.MapKeys() {
			was := reflect.New(v.Type().Elem()).Elem()
			was.Set(v.MapIndex(key))
			value := reflect.New(v.Type().Elem()).Elem()
			value.Set(was)
			eachLeaf(value, path+"{}", outside, func(path string, outside bool) {
				v.SetMapIndex(key, value)
				check(path, outside)
			})
			v.SetMapIndex(key, was)
		}
	case reflect.Interface:
		if v.IsNil() {
			return
		}
		fallthrough
	default:
		was := reflect.New(v.Type()).Elem()
		was.Set(v)
		bump(v)
		check(path, outside)
		v.Set(was)
	}
}
