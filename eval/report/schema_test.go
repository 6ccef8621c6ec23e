package report

import (
	"encoding/json"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"os"
	"path"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const schemaPath = "../../docs/report.schema.json"

// object is a JSON object with the order of its keys kept.
type object []member

type member struct {
	key   string
	value any
}

func (o object) MarshalJSON() ([]byte, error) {
	var s []string
	for _, m := range o {
		b, err := json.Marshal(m.value)
		if err != nil {
			return nil, err
		}
		s = append(s, fmt.Sprintf("%q:%s", m.key, b))
	}
	return []byte("{" + strings.Join(s, ",") + "}"), nil
}

// enums are the fields whose strings are listed in the schema.
var enums = map[string][]string{
	"Report.Schema": {Schema}, "Gate.Verdict": {Pass, Fail, Inconclusive, Skipped}, "Result.Verdict": {Pass, Fail, Inconclusive, Skipped},
	"Result.Level": {Error, Warn}, "Finding.Level": {Error, Warn}, "Result.Op": {"<=", ">="}, "Candidate.Role": {"", Control}, "Comparison.Better": {"", "a", "b"},
	"Protocol.Stopped": {"", StoppedByWidth, StoppedByTokens},
}

// TestSchema: docs/report.schema.json says what the Go types say, their comments included; -update writes it.
func TestSchema(t *testing.T) {
	s := schemaMaker{docs: map[string]string{}, done: map[string]object{}}
	for _, dir := range []string{".", "../figure", "../bench", "../parity", "../task"} {
		s.readDocs(t, dir)
	}
	root := s.object(reflect.TypeFor[Report]())
	var defs object
	for _, name := range slices.Sorted(maps.Keys(s.done)) {
		defs = append(defs, member{name, s.done[name]})
	}
	doc := object{{"$schema", "https://json-schema.org/draft/2020-12/schema"}, {"title", "report.json of carat"}}
	doc = append(append(doc, root...), member{"$defs", defs})
	got, err := json.MarshalIndent(doc, "", "  ")
	require.NoError(t, err)
	got = append(got, '\n')
	if *update {
		require.NoError(t, os.WriteFile(schemaPath, got, 0o644))
	}
	want, err := os.ReadFile(schemaPath)
	require.NoError(t, err)
	require.Equal(t, strings.Split(string(want), "\n"), strings.Split(string(got), "\n"), "types and schema differ; go test ./eval/report -run Schema -update writes the schema")
}

// TestSchemaHoldsSamples validates the samples, and that a fault is seen, so that the validator is one.
func TestSchemaHoldsSamples(t *testing.T) {
	b, err := os.ReadFile(schemaPath)
	require.NoError(t, err)
	var schema map[string]any
	require.NoError(t, json.Unmarshal(b, &schema))
	for _, name := range []string{"sample.json", "single.json"} {
		b, err := os.ReadFile(filepath.Join("testdata", name))
		require.NoError(t, err)
		require.Empty(t, faults(t, b, schema), name)
		require.NotEmpty(t, faults(t, changed(t, b, "candidates.0.bytes", "x"), schema))
		require.NotEmpty(t, faults(t, changed(t, b, "candidates.0.chunks.0.klds", 5), schema))
		require.NotEmpty(t, faults(t, changed(t, b, "candidates.0.role", "x"), schema))
		require.NotEmpty(t, faults(t, changed(t, b, "unknown", "x"), schema))
		require.NotEmpty(t, faults(t, changed(t, b, "schema", nil), schema))
	}
}

type schemaMaker struct {
	docs map[string]string // of types and fields, "report.Gate" and "report.Gate.Verdict"
	done map[string]object // $defs
}

func (s *schemaMaker) readDocs(t *testing.T, dir string) {
	files, err := filepath.Glob(filepath.Join(dir, "*.go"))
	require.NoError(t, err)
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		f, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ParseComments)
		require.NoError(t, err)
		for _, d := range f.Decls {
			g, ok := d.(*ast.GenDecl)
			if !ok {
				continue
			}
			for _, spec := range g.Specs {
				ts, ok := spec.(*ast.TypeSpec)
				if !ok {
					continue
				}
				name := f.Name.Name + "." + ts.Name.Name
				s.docs[name] = oneLine(g.Doc.Text())
				st, ok := ts.Type.(*ast.StructType)
				if !ok {
					continue
				}
				for _, field := range st.Fields.List {
					for _, n := range field.Names {
						s.docs[name+"."+n.Name] = oneLine(field.Doc.Text() + " " + field.Comment.Text())
					}
				}
			}
		}
	}
}

var space = regexp.MustCompile(`\s+`)

func oneLine(s string) string { return strings.TrimSpace(space.ReplaceAllString(s, " ")) }

func docName(t reflect.Type) string { return path.Base(t.PkgPath()) + "." + t.Name() }

func (s *schemaMaker) object(t reflect.Type) object {
	props, required := object{}, []string{}
	s.properties(t, &props, &required, false)
	o := object{{"type", "object"}}
	if d := s.docs[docName(t)]; d != "" {
		o = append(o, member{"description", d})
	}
	return append(o, member{"properties", props}, member{"required", required})
}

func (s *schemaMaker) properties(t reflect.Type, props *object, required *[]string, optional bool) {
	for f := range t.Fields() {
		name, opts, _ := strings.Cut(f.Tag.Get("json"), ",")
		if name == "-" {
			continue
		}
		if f.Anonymous && name == "" {
			ft, pointer := f.Type, f.Type.Kind() == reflect.Pointer
			if pointer {
				ft = ft.Elem()
			}
			s.properties(ft, props, required, optional || pointer)
			continue
		}
		o := s.schemaOf(f.Type)
		if d := s.docs[docName(t)+"."+f.Name]; d != "" {
			o = append(o, member{"description", d})
		}
		if e := enums[t.Name()+"."+f.Name]; e != nil {
			o = append(o, member{"enum", e})
		}
		if t.Name() == "Report" && f.Name == "Version" {
			o = append(o, member{"const", Version})
		}
		*props = append(*props, member{name, o})
		if !optional && opts != "omitempty" {
			*required = append(*required, name)
		}
	}
}

func (s *schemaMaker) schemaOf(t reflect.Type) object {
	switch {
	case t.Kind() == reflect.Pointer:
		return s.schemaOf(t.Elem())
	case reflect.PointerTo(t).Implements(textType):
		return object{{"type", "string"}, {"contentEncoding", "base64"}}
	case t.Kind() == reflect.Struct:
		// figure.Comparison is embedded, so that names of types alone are enough but for this package's own.
		name := t.Name()
		if p := path.Base(t.PkgPath()); p == "bench" || p == "parity" || p == "task" {
			name = p + t.Name()
		}
		if _, ok := s.done[name]; !ok {
			s.done[name] = nil
			s.done[name] = s.object(t)
		}
		return object{{"$ref", "#/$defs/" + name}}
	case t.Kind() == reflect.Slice:
		return object{{"type", []string{"array", "null"}}, {"items", s.schemaOf(t.Elem())}}
	}
	switch t.Kind() {
	case reflect.String:
		return object{{"type", "string"}}
	case reflect.Bool:
		return object{{"type", "boolean"}}
	case reflect.Int, reflect.Int64:
		return object{{"type", "integer"}}
	case reflect.Float64:
		return object{{"type", "number"}}
	}
	panic("no JSON schema for " + t.String())
}

// faults validates JSON with the few keywords that the schema uses. Unlike the schema, it allows no unknown fields.
func faults(t *testing.T, b []byte, schema map[string]any) []string {
	var v any
	require.NoError(t, json.Unmarshal(b, &v))
	var out []string
	var walk func(at string, v any, s map[string]any)
	walk = func(at string, v any, s map[string]any) {
		if ref, ok := s["$ref"].(string); ok {
			walk(at, v, schema["$defs"].(map[string]any)[strings.TrimPrefix(ref, "#/$defs/")].(map[string]any))
			return
		}
		if c, ok := s["const"]; ok && c != v {
			out = append(out, at+": const")
		}
		if e, ok := s["enum"].([]any); ok && !slices.Contains(e, v) {
			out = append(out, at+": enum")
		}
		types, ok := s["type"].([]any)
		if !ok {
			types = []any{s["type"]}
		}
		kind := map[reflect.Kind]string{reflect.Invalid: "null", reflect.Bool: "boolean", reflect.String: "string", reflect.Float64: "number", reflect.Slice: "array", reflect.Map: "object"}[reflect.ValueOf(v).Kind()]
		if f, ok := v.(float64); ok && f == float64(int64(f)) && slices.Contains(types, any("integer")) {
			kind = "integer"
		}
		if !slices.Contains(types, any(kind)) {
			out = append(out, at+": "+kind)
			return
		}
		switch x := v.(type) {
		case []any:
			for i, e := range x {
				walk(fmt.Sprintf("%s[%d]", at, i), e, s["items"].(map[string]any))
			}
		case map[string]any:
			props := s["properties"].(map[string]any)
			for k, e := range x {
				p, ok := props[k].(map[string]any)
				if !ok {
					out = append(out, at+"."+k+": unknown")
					continue
				}
				walk(at+"."+k, e, p)
			}
			for _, k := range s["required"].([]any) {
				if _, ok := x[k.(string)]; !ok {
					out = append(out, at+"."+k.(string)+": required")
				}
			}
		}
	}
	walk("", v, schema)
	return out
}
