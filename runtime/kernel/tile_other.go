//go:build !(amd64 && gc && !noasm && !purego)

package kernel

import "github.com/carat-llm/carat/internal/cpu"

var native map[cpu.Tier]*tier // there are none
