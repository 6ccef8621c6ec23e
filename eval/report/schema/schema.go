package main

import (
	"encoding"
	"encoding/json"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"path"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"

	"github.com/carat-llm/carat/eval/report"
)

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
	"Report.Schema": {report.Schema}, "Gate.Verdict": {report.Pass, report.Fail, report.Inconclusive, report.Skipped}, "Result.Verdict": {report.Pass, report.Fail, report.Inconclusive, report.Skipped},
	"Result.Level": {report.Error, report.Warn}, "Finding.Level": {report.Error, report.Warn}, "Result.Op": {"<=", ">="}, "Candidate.Role": {"", report.Control}, "Comparison.Better": {"", "a", "b"},
	"Protocol.Stopped": {"", report.StoppedByWidth, report.StoppedByTokens},
}

// generate makes the schema; eval is the folder of the packages whose types reports hold.
func generate(eval string) ([]byte, error) {
	s := schemaMaker{docs: map[string]string{}, done: map[string]object{}}
	for _, dir := range []string{"report", "figure", "bench", "parity", "task"} {
		if err := s.readDocs(filepath.Join(eval, dir)); err != nil {
			return nil, err
		}
	}
	root := s.object(reflect.TypeFor[report.Report]())
	var defs object
	for _, name := range slices.Sorted(maps.Keys(s.done)) {
		defs = append(defs, member{name, s.done[name]})
	}
	doc := object{{"$schema", "https://json-schema.org/draft/2020-12/schema"}, {"title", "report.json of carat"}}
	doc = append(append(doc, root...), member{"$defs", defs})
	b, err := json.MarshalIndent(doc, "", "  ")
	return append(b, '\n'), err
}

var textType = reflect.TypeFor[encoding.TextUnmarshaler]()

type schemaMaker struct {
	docs map[string]string // of types and fields, "report.Gate" and "report.Gate.Verdict"
	done map[string]object // $defs
}

// readDocs keeps the comments of the types and fields in a folder of Go files.
func (s *schemaMaker) readDocs(dir string) error {
	files, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil {
		return err
	}
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		f, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ParseComments)
		if err != nil {
			return err
		}
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
	return nil
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
			o = append(o, member{"const", report.Version})
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
