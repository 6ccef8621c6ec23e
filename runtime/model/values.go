package model

import "math"

// flag reads a switch, or returns otherwise when the key is missing.
func (l *loader) flag(name string, otherwise bool) bool {
	v, there := l.value(name)
	on, ok := v.(bool)
	if !there {
		return otherwise
	}
	if !ok {
		l.fail("metadata %s is %v (%T), expected true or false", l.key(name), v, v)
	}
	return on
}

// integerOr reads an integer of at least 0, or returns otherwise when the key is missing.
func (l *loader) integerOr(name string, otherwise int) int {
	v, there := l.value(name)
	if !there {
		return otherwise
	}
	n, ok := l.md.Int(l.key(name))
	if !ok || n < 0 || n > 1<<30 {
		l.fail("metadata %s is %v, expected a number between 0 and 2^30", l.key(name), v)
		return otherwise
	}
	return int(n)
}

// positiveOr reads a number of at least 0, where 0 is for none, or returns otherwise when the key is missing.
func (l *loader) positiveOr(name string, otherwise float64) float64 {
	f := l.floatOr(name, otherwise)
	if !(f >= 0 && f <= math.MaxFloat32) {
		l.fail("metadata %s is %v, expected a number above 0, or 0 for none", l.key(name), float32(f))
		return otherwise
	}
	return f
}

// softcap reads a limit of scores or logits; 0 for none.
func (l *loader) softcap(name string) float32 { return float32(l.positiveOr(name, 0)) }

// factorOr1 is factor for a key whose value 0 means 1.
func (l *loader) factorOr1(name string) float64 {
	if f := l.positiveOr(name, 1); f != 0 {
		return f
	}
	return 1
}

// attentionScale reads what scores are multiplied with, or returns otherwise when the key is missing or 0.
func (l *loader) attentionScale(otherwise float32) float32 {
	if f := l.positiveOr("attention.scale", 0); f != 0 {
		return float32(f)
	}
	return otherwise
}

// anyEpsilon is epsilon of models that have it by one name or the other.
func (l *loader) anyEpsilon() float32 {
	if l.given("attention.layer_norm_rms_epsilon") {
		return l.epsilon("attention.layer_norm_rms_epsilon")
	}
	return l.epsilon("attention.layer_norm_epsilon")
}

// epsilon reads what a norm adds to the variance.
func (l *loader) epsilon(name string) float32 {
	eps := l.float(name)
	if !(eps > 0 && eps < 1) {
		l.fail("metadata %s is %v, expected a number between 0 and 1", l.key(name), float32(eps))
	}
	return float32(eps)
}

// factor reads a multiplier, which is more than 0; 1 when it is missing.
func (l *loader) factor(name string) float64 {
	f := l.floatOr(name, 1)
	if !(f > 0) || math.IsInf(f, 0) {
		l.fail("metadata %s is %v, expected a number above 0", l.key(name), float32(f))
		return 1
	}
	return f
}
