package gate

import (
	"maps"
	"slices"
	"strings"

	"github.com/carat-llm/carat/eval/task"
	"github.com/carat-llm/carat/gguf"
	"github.com/carat-llm/carat/internal/yamlfile"
	"github.com/carat-llm/carat/quantize/recipe"
	"go.yaml.in/yaml/v4"
)

func (d *policyDecoder) model(n *yaml.Node, key string) error {
	m := &d.p.Model
	return d.Fields(n, key, map[string]yamlfile.Field{
		"source":      d.Text(&m.Source),
		"expect_arch": d.Text(&m.ExpectArch),
		"require": d.List(d.Parsed("one of "+strings.Join(slices.Sorted(maps.Keys(required)), ", ")+", or a metadata key such as general.name",
			func(s string) bool {
				m.Require = append(m.Require, s)
				return required[s] != "" || strings.Contains(s, ".")
			})),
	})
}

func (d *policyDecoder) target(n *yaml.Node, key string) error {
	t := &d.p.Target
	err := d.Fields(n, key, map[string]yamlfile.Field{
		"type": d.Parsed("a file type such as Q4_K_M", func(s string) bool {
			t.Type = strings.ToUpper(s)
			f, err := recipe.ParseFileType(s)
			return err == nil && f != recipe.Copy
		}),
		"recipe":    d.Text(&t.Recipe),
		"imatrix":   d.Text(&t.Imatrix),
		"llama_cpp": d.Text(&t.LlamaCPP),
		"max_bytes": d.Count(&t.MaxBytes, 1, 1<<60),
		"bpw":       d.Number(&t.MaxBPW, "bits per weight above 0, to 64", func(v float64) bool { return 0 < v && v <= 64 }),
		"types":     d.types,
		"min_type": d.Pairs(func(k, v *yaml.Node, key string) error {
			m := MinType{Tensor: k.Value, Line: k.Line}
			t.MinType = append(t.MinType, m)
			return d.tensorType(&t.MinType[len(t.MinType)-1].Type)(v, key)
		}),
	})
	if err == nil && t.MaxBytes > 0 && t.MaxBPW > 0 {
		return d.Errorf(n, key, "found max_bytes and bpw, expected one of them")
	}
	if err == nil && t.Type != "" && t.Recipe != "" {
		return d.Errorf(n, key, "found type and recipe, expected one of them: a recipe names its type")
	}
	return err
}

func (d *policyDecoder) tensorType(out *gguf.Type) yamlfile.Field {
	return d.Parsed("a tensor type such as Q5_0", func(s string) bool {
		var err error
		*out, err = gguf.ParseType(s)
		return err == nil
	})
}

// types reads a list of tensor types or the name of a set.
func (d *policyDecoder) types(n *yaml.Node, key string) error {
	t := &d.p.Target
	if n.Kind == yaml.SequenceNode {
		return d.List(func(n *yaml.Node, key string) error {
			t.Types = append(t.Types, 0)
			return d.tensorType(&t.Types[len(t.Types)-1])(n, key)
		})(n, key)
	}
	return d.Parsed("a list of tensor types or one of "+strings.Join(slices.Sorted(maps.Keys(typeSets)), ", "), func(s string) bool {
		t.TypesName, t.Types = s, typeSets[s]
		return t.Types != nil
	})(n, key)
}

func (d *policyDecoder) data(n *yaml.Node, key string) error {
	t := &d.p.Data
	return d.Fields(n, key, map[string]yamlfile.Field{
		"calib": d.Parsed("a path or sha256: and 64 hexadecimal digits", func(s string) bool {
			if sum, ok := strings.CutPrefix(s, "sha256:"); ok {
				t.CalibrationSHA256 = strings.ToLower(sum)
				return yamlfile.IsSHA256(sum)
			}
			t.Calibration = s
			return s != ""
		}),
		"eval":           d.List(d.evalText),
		"tasks":          d.List(d.task),
		"forbid_overlap": d.Bool(&t.ForbidOverlap),
	})
}

func (d *policyDecoder) evalText(n *yaml.Node, key string) error {
	t := Text{Line: n.Line}
	err := d.Fields(n, key, map[string]yamlfile.Field{
		"name":        d.Text(&t.Name),
		"path":        d.Text(&t.Path),
		"sha256":      d.SHA256(&t.SHA256),
		"tokens":      d.tokens(&t.Tokens, 1),
		"text_field":  d.Text(&t.TextField),
		"slice_field": d.Text(&t.SliceField),
	})
	switch {
	case err != nil:
		return err
	case t.Path == "" && t.SHA256 == "":
		return d.Errorf(n, key+".path", "missing, expected a file, or its sha256 when the file is given on the command line")
	case t.Name != "" && slices.Contains(d.p.slices(), t.Name):
		return d.Errorf(n, key+".name", "found %q again, expected distinct names", t.Name)
	}
	d.p.Data.Eval = append(d.p.Data.Eval, t)
	return nil
}

func (d *policyDecoder) task(n *yaml.Node, key string) error {
	var t Task
	var limit int64
	err := d.Fields(n, key, map[string]yamlfile.Field{
		"task": d.Parsed("a task (see carat tasks --list)", func(s string) bool {
			t.Name = s
			_, ok := task.Lookup(s)
			return ok
		}),
		"path":  d.Text(&t.Path),
		"limit": d.Count(&limit, 1, 1<<30),
	})
	switch {
	case err != nil:
		return err
	case t.Name == "" || t.Path == "":
		return d.Errorf(n, key, "a task needs task and path")
	case slices.ContainsFunc(d.p.Data.Tasks, func(o Task) bool { return o.Name == t.Name }):
		return d.Errorf(n, key+".task", "found %q again, expected each task once", t.Name)
	}
	t.Limit = int(limit)
	d.p.Data.Tasks = append(d.p.Data.Tasks, t)
	return nil
}
