//go:build !((amd64 || arm64) && gc && !noasm && !purego)

package kernel

import "github.com/carat-llm/carat/internal/cpu"

var native map[cpu.Tier]func(t *tier) // they add nothing
