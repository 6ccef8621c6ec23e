package prequant

import (
	"math"

	"github.com/carat-llm/carat/convert/safetensors"
)

// codeValues are what codes of 8 bits stand for, by their type.
var codeValues = map[string]*[256]float32{safetensors.F8E4M3: &e4m3, safetensors.F8E5M2: &e5m2, "I8": &int8s}

// e4m3 has no infinity; its highest code of each sign is NaN.
var e4m3 = func() (t [256]float32) {
	for i := range t {
		t[i] = float8(i, 3, 7)
	}
	t[0x7f], t[0xff] = float32(math.NaN()), float32(math.NaN())
	return t
}()

var e5m2 = func() (t [256]float32) {
	for i := range t {
		t[i] = float8(i, 2, 15)
		if m := i & 0x7f; m >= 0x7c {
			t[i] = float32(math.Inf(1 - i>>7*2))
			if m > 0x7c {
				t[i] = float32(math.NaN())
			}
		}
	}
	return t
}()

// float8 is a float of 8 bits with so many bits of mantissa.
func float8(code, mantissa, bias int) float32 {
	m := float64(code&(1<<mantissa-1)) / float64(int(1)<<mantissa)
	e := code & 0x7f >> mantissa
	v := math.Ldexp(1+m, e-bias)
	if e == 0 {
		v = math.Ldexp(m, 1-bias)
	}
	if code >= 0x80 {
		v = -v // of 0, too
		if m == 0 && e == 0 {
			v = math.Copysign(0, -1)
		}
	}
	return float32(v)
}

var int8s = func() (t [256]float32) {
	for i := range t {
		t[i] = float32(int8(i))
	}
	return t
}()

// e2m1 are the floats of 4 bits.
var e2m1 = [16]float32{0, 0.5, 1, 1.5, 2, 3, 4, 6, float32(math.Copysign(0, -1)), -0.5, -1, -1.5, -2, -3, -4, -6}
