//go:build !linux

package hugemem

func mapped(int) []byte { return nil }

func unmap([]byte) {}
