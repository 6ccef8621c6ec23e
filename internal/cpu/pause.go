//go:build gc && (amd64 || arm64) && !noasm && !purego

package cpu

// Pause tells the processor that the caller waits for another core to write memory: it saves power and leaves the
// units to a hyper-thread. It takes between a few and a few hundred cycles, by the processor.
//
//go:noescape
func Pause()
