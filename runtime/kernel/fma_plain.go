//go:build !(amd64.v3 || arm64)

package kernel

// fma32 is fmaPlain.
func fma32(a, b, c float32) float32 { return fmaPlain(a, b, c) }
