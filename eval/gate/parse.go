package gate

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"
	"regexp"
	"slices"

	"github.com/carat-llm/carat/internal/inputfile"
	"github.com/carat-llm/carat/internal/yamlfile"
	"go.yaml.in/yaml/v4"
)

// Bounds of what a policy may say.
const (
	maxFileBytes = 1 << 20
	maxTokens    = 1 << 40
	maxGates     = 1000
	maxContext   = 1 << 24
)

// Load reads a policy file. Paths in it stay as they are: they are relative to where carat runs.
func Load(path string) (*Policy, error) {
	b, err := inputfile.ReadText(path, maxFileBytes)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%w: %s: no such file", ErrPolicy, path)
	}
	if err != nil {
		return nil, err
	}
	return Parse(filepath.Base(path), bytes.NewReader(b))
}

// Parse reads a policy, YAML or JSON. name is for messages, which say the line. Errors wrap ErrPolicy.
func Parse(name string, r io.Reader) (*Policy, error) {
	b, err := io.ReadAll(io.LimitReader(r, maxFileBytes+1))
	if err != nil {
		return nil, err
	}
	if len(b) > maxFileBytes {
		return nil, fmt.Errorf("%w: %s: larger than %d bytes", ErrPolicy, name, maxFileBytes)
	}
	root, err := yamlfile.Parse(b)
	if errors.Is(err, yamlfile.ErrEmpty) {
		return nil, fmt.Errorf("%w: %s: %w; `carat gate --print-policy` prints a policy to start from", ErrPolicy, name, err)
	}
	if err != nil {
		return nil, fmt.Errorf("%w: %s: %w", ErrPolicy, name, err)
	}
	sum := sha256.Sum256(b)
	p := &Policy{Name: name, SHA256: hex.EncodeToString(sum[:])}
	d := &policyDecoder{yamlfile.Decoder{File: name, What: "the policy", Err: ErrPolicy}, p}
	if err := d.policy(root); err != nil {
		return nil, err
	}
	return p, nil
}

type policyDecoder struct {
	yamlfile.Decoder
	p *Policy
}

func (d *policyDecoder) policy(root *yaml.Node) error {
	p := d.p
	version, capped := "", 0
	var gates, allow *yaml.Node
	later := func(to **yaml.Node) yamlfile.Field { return func(n *yaml.Node, _ string) error { *to = n; return nil } }
	err := d.Fields(root, "", map[string]yamlfile.Field{
		"version":      d.OneOf(&version, fmt.Sprint(Version)),
		"profile":      d.OneOf(&p.Profile, profileNames()...),
		"tokens":       d.tokens(&p.Tokens, 1),
		"max_tokens":   d.tokens(&p.MaxTokens, 1),
		"ctx":          d.context(&p.Context),
		"model":        d.model,
		"target":       d.target,
		"data":         d.data,
		"reference":    d.reference,
		"baseline":     d.baseline,
		"control":      d.control,
		"gates":        later(&gates),
		"inconclusive": d.inconclusive(&capped),
		"allow":        later(&allow),
	})
	switch {
	case err != nil:
		return err
	case version == "":
		return d.Errorf(root, "version", "missing, expected version: %d", Version)
	case gates == nil:
		return d.Errorf(root, "gates", "missing, expected a list of gates")
	}
	if err := d.List(d.gate)(gates, "gates"); err != nil { // needs the target
		return err
	}
	if len(p.Gates) == 0 || len(p.Gates) > maxGates {
		return d.Errorf(gates, "gates", "found %d, expected 1 to %d", len(p.Gates), maxGates)
	}
	p.gateFindings()
	if allow != nil {
		if err := d.List(d.waiver)(allow, "allow"); err != nil { // needs the gates
			return err
		}
	}
	return d.fill(root, capped)
}

// fill sets what is not stated.
func (d *policyDecoder) fill(root *yaml.Node, capped int) error {
	p := d.p
	p.Profile = cmp.Or(p.Profile, "pr")
	p.Inconclusive = cmp.Or(p.Inconclusive, MoreData)
	i := slices.IndexFunc(profiles, func(f profile) bool { return f.name == p.Profile })
	stated := p.Tokens > 0
	p.Tokens = cmp.Or(p.Tokens, profiles[i].tokens)
	switch {
	case p.MaxTokens > 0 && capped > 0 && p.MaxTokens != capped:
		return d.Errorf(root, "max_tokens", "found %d here and %d at inconclusive, expected one", p.MaxTokens, capped)
	case p.MaxTokens > 0 || capped > 0:
		p.MaxTokens = cmp.Or(p.MaxTokens, capped)
		if !stated {
			p.Tokens = min(p.Tokens, p.MaxTokens)
		}
	case p.Inconclusive == MoreData:
		p.MaxTokens = max(p.Tokens, profiles[i].maxTokens)
	default:
		p.MaxTokens = p.Tokens
	}
	if p.MaxTokens < p.Tokens {
		return d.Errorf(root, "max_tokens", "found %d, expected at least tokens, %d", p.MaxTokens, p.Tokens)
	}
	p.Context = cmp.Or(p.Context, 512)
	return nil
}

func profileNames() []string {
	var out []string
	for _, p := range profiles {
		out = append(out, p.name)
	}
	return out
}

func (d *policyDecoder) context(out *int) yamlfile.Field {
	return func(n *yaml.Node, key string) error {
		var v int64
		err := d.Count(&v, 4, maxContext)(n, key)
		*out = int(v)
		return err
	}
}

var moreData = regexp.MustCompile(`^more_data(?:\( *max_tokens *= *([0-9_]+) *\))?$`)

// inconclusive reads fail, warn, more_data or more_data(max_tokens=N).
func (d *policyDecoder) inconclusive(capped *int) yamlfile.Field {
	return func(n *yaml.Node, key string) error {
		if m := moreData.FindStringSubmatch(n.Value); m != nil && n.Kind == yaml.ScalarNode {
			d.p.Inconclusive = MoreData
			if m[1] == "" {
				return nil
			}
			at := *n
			at.Value = m[1]
			return d.tokens(capped, 1)(&at, key+".max_tokens")
		}
		return d.OneOf(&d.p.Inconclusive, Fail, Warn, MoreData, "more_data(max_tokens=N)")(n, key)
	}
}

// tokens reads a number of tokens, at least low.
func (d *policyDecoder) tokens(out *int, low int64) yamlfile.Field {
	return func(n *yaml.Node, key string) error {
		var v int64
		err := d.Count(&v, low, maxTokens)(n, key)
		*out = int(v)
		return err
	}
}
