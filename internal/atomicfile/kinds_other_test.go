//go:build !linux

package atomicfile

import "testing"

func named(*testing.T) {}

func eachKind(t *testing.T, f func(t *testing.T)) { f(t) }
