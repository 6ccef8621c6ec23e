package gate

import (
	"regexp"
	"strings"

	"github.com/carat-llm/carat/internal/yamlfile"
	"github.com/carat-llm/carat/quantize/recipe"
	"go.yaml.in/yaml/v4"
)

func (d *policyDecoder) reference(n *yaml.Node, key string) error {
	r := &d.p.Reference
	return d.Fields(n, key, map[string]yamlfile.Field{
		"source": d.Text(&r.Source),
		"dtype":  d.OneOf(&r.DType, "f32", "f16", "bf16", "auto"),
	})
}

func (d *policyDecoder) baseline(n *yaml.Node, key string) error {
	b := &d.p.Baseline
	err := d.Fields(n, key, map[string]yamlfile.Field{
		"report": d.Text(&b.Report),
		"sha256": d.SHA256(&b.SHA256),
		"release": d.Parsed("latest or sha256: and 64 hexadecimal digits", func(s string) bool {
			b.Release = strings.ToLower(strings.TrimPrefix(s, "sha256:"))
			return s == "latest" || yamlfile.IsSHA256(b.Release)
		}),
		"control": d.control,
	})
	if err == nil && b.Report != "" && b.Release != "" {
		return d.Errorf(n, key, "found report and release, expected one of them")
	}
	return err
}

var controlName = regexp.MustCompile(`^llamacpp-([A-Za-z0-9_]+?)(-imatrix)?$`)

// control reads llamacpp-TYPE, llamacpp-TYPE-imatrix, or a mapping of type, name and imatrix.
func (d *policyDecoder) control(n *yaml.Node, key string) error {
	c := &d.p.Control
	if c.Set() {
		return d.Errorf(n, key, "a second control, expected one, at control or baseline.control")
	}
	if n.Kind != yaml.MappingNode {
		return d.Parsed("llamacpp-TYPE or llamacpp-TYPE-imatrix, such as llamacpp-q4_k_m", func(s string) bool {
			m := controlName.FindStringSubmatch(s)
			if m == nil {
				return false
			}
			var err error
			c.Type, err = recipe.ParseFileType(m[1])
			c.Name, c.Imatrix = s, m[2] != ""
			return err == nil && c.Type != recipe.Copy
		})(n, key)
	}
	typed := false
	err := d.Fields(n, key, map[string]yamlfile.Field{
		"name": d.Text(&c.Name),
		"type": d.Parsed("a file type such as Q4_K_M", func(s string) bool {
			var err error
			c.Type, err = recipe.ParseFileType(s)
			typed = true
			return err == nil && c.Type != recipe.Copy
		}),
		"imatrix": d.Bool(&c.Imatrix),
	})
	switch {
	case err != nil:
		return err
	case !typed:
		return d.Errorf(n, key+".type", "missing, expected a file type such as Q4_K_M")
	case c.Name == "":
		c.Name = "llamacpp-" + strings.ToLower(c.Type.String())
		if c.Imatrix {
			c.Name += "-imatrix"
		}
	}
	return nil
}
