package arch

import (
	"fmt"
	"strings"
)

// Rerankers and other classifiers have a head that makes scores of the vector of a text's first token, or of the mean.

// classifies reports that the class has such a head.
func (c *Config) classifies() bool { return strings.HasSuffix(c.class(), "ForSequenceClassification") }

// labels are the names of a classifier's scores. transformers makes two up where a config has none.
func (c *Config) labels() []string {
	named := c.Sub("id2label")
	n := int64(len(named.values))
	if n == 0 {
		n = c.IntOr("num_labels", maxWidth, 2)
	}
	names := make([]string, n)
	for i := range names {
		key := fmt.Sprint(i)
		switch {
		case len(named.values) == 0:
			names[i] = "LABEL_" + key
		case !named.Has(key):
			c.fail("id2label", "has %d names, but none for %s", n, key)
			return names
		default:
			names[i] = named.String(key)
		}
	}
	return names
}

// labelKeys are what the reference writes of them: nothing where the names are made up.
func labelKeys(labels []string) keys {
	return when(len(labels) != 2 || labels[0] != "LABEL_0", key{"classifier.output_labels", labels})
}

// classifier adds the head of a class that has one: dense, a square matrix with an activation behind it, and out, whose rows are the
// scores. It returns the keys that say so.
func (e *encoder) classifier(dense, out string) keys {
	if !e.c.classifies() {
		return nil
	}
	labels := e.c.labels()
	if dense != "" {
		e.out = append(e.out, weightAndBias(dense, "cls", e.d.hidden, e.d.hidden)...)
	}
	e.out = append(e.out, weightAndBias(out, "cls.output", int64(len(labels)), e.d.hidden)...)
	return labelKeys(labels)
}

func weightAndBias(source, name string, rows, cols int64) []Tensor {
	return []Tensor{{Source: source + ".weight", Name: name + ".weight", Shape: []int64{rows, cols}}, {Source: source + ".bias", Name: name + ".bias", Shape: []int64{rows}}}
}
