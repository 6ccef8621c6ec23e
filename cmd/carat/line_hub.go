package main

import (
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/carat-llm/carat/convert/hub"
	"github.com/carat-llm/carat/convert/oci"
	"github.com/carat-llm/carat/gguf"
	"github.com/carat-llm/carat/internal/hfcache"
	"github.com/carat-llm/carat/internal/hint"
)

// Models of the hub, and of registries, are looked up in their caches before a verb begins: the command line is given their paths there, and no verb
// knows of them.

// modelVerbs are the verbs whose arguments are models, with how many of the first ones are; 0 is all.
var modelVerbs = map[string]int{
	"build": 0, "convert": 0, "quantize": 0, "plan": 0, "imatrix": 0, "eval": 0, "compare": 0, "sweep": 0, "gate": 0, "tasks": 0, "bench": 0,
	"run": 0, "embed": 1, "inspect": 0, "verify": 0, "diff": 0, "hash": 0, "split": 0, "edit": 0, "export": 0, "push": 1,
}

// modelFlags are the flags whose values are models.
var modelFlags = []string{"reference", "source", "base", "control", "lora"}

// findModels puts paths in the place of the models of the hub.
func (l *line) findModels() error {
	if l.verb == nil {
		return nil
	}
	first, ok := modelVerbs[l.verb.Name]
	if !ok {
		return nil
	}
	needs := hub.All
	if l.on("vocab-only") {
		needs = hub.Vocab
	}
	for i := range l.rest {
		if first > 0 && i >= first || l.on("stream") { // those stay on the hub
			break
		}
		if err := findModel(&l.rest[i], needs); err != nil {
			return err
		}
	}
	for i := range l.flags {
		if err := l.findFlagModel(i); err != nil {
			return err
		}
	}
	return nil
}

// findFlagModel is findModels for the flag at i of l.flags, if it is one whose value is a model.
func (l *line) findFlagModel(i int) error {
	if !isFlag(l.flags[i]) {
		return nil
	}
	name, value, joined := strings.Cut(strings.TrimLeft(l.flags[i], "-"), "=")
	if !slices.Contains(modelFlags, name) || findFlag(l.verb, name) == nil || !joined && i+1 == len(l.flags) {
		return nil
	}
	if !joined {
		value = l.flags[i+1]
	}
	model, scale := value, ""
	if name == "lora" {
		model, _ = scaled(value)
		scale = value[len(model):]
	}
	needs := hub.All
	if name == "base" {
		needs = hub.Config
	}
	if err := findModel(&model, needs); err != nil {
		return err
	}
	if joined {
		l.flags[i] = dashed(name) + "=" + model + scale
	} else {
		l.flags[i+1] = model + scale
	}
	return nil
}

// findModel puts the path of a model in the cache of the hub in the place of its name. What exists is taken as it is.
func findModel(arg *string, needs hub.Needs) error {
	if _, err := os.Lstat(*arg); err == nil {
		return nil
	}
	if ref, ok, err := oci.Parse(*arg); ok || err != nil {
		return findPulled(arg, ref, err)
	}
	ref, ok, err := hub.Parse(*arg)
	if !ok {
		return err
	}
	root, err := hfcache.Root()
	if err != nil {
		return err
	}
	path, err := hub.Find(root, ref, needs)
	if err == nil {
		*arg = path
	}
	return err
}

// findPulled is findModel for the model of a registry.
func findPulled(arg *string, ref oci.Ref, err error) error {
	if err != nil {
		return err
	}
	if ref.Registry == "" {
		return hint.Wrap(fmt.Errorf("%w: %s: the model of a layout has to be pulled first", gguf.ErrInput, ref), "carat pull %s -o DIR", ref)
	}
	root, err := oci.CacheRoot()
	if err != nil {
		return err
	}
	path, err := oci.Find(root, ref)
	if err == nil {
		*arg = path
	}
	return err
}
