package mmap

import (
	"fmt"
	"runtime/debug"
	"slices"
	"sync"
	"unsafe"
)

// mappings are those that there are, so that a fault's address leads to the file.
var mappings struct {
	sync.Mutex
	list []mapping
}

// mapping is a mapped file's place in memory.
type mapping struct {
	begin, end uintptr
	fault      func(offset int64) error
}

func addressOf(b []byte) uintptr { return uintptr(unsafe.Pointer(unsafe.SliceData(b))) }

func register(b []byte, fault func(offset int64) error) {
	mappings.Lock()
	defer mappings.Unlock()
	begin := addressOf(b)
	mappings.list = append(mappings.list, mapping{begin, begin + uintptr(len(b)), fault})
}

func forget(b []byte) {
	mappings.Lock()
	defer mappings.Unlock()
	mappings.list = slices.DeleteFunc(mappings.list, func(m mapping) bool { return m.begin == addressOf(b) })
}

// Guard calls f, which reads mapped memory, and returns its error or, when a page could not be read, the one that the
// file's Map was given. Other panics go on. It guards the calling goroutine alone: others that read the memory for f
// run [Worker], and f panics in their stead.
func Guard(f func() error) (err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if r := recover(); r != nil {
			if err = faultOf(r); err == nil {
				panic(r)
			}
		}
	}()
	return f()
}

// Worker calls f in a goroutine that works for one within Guard, and returns what f panicked with, or nil. The other
// goroutine must panic with that. What is not of a mapped file has the worker's stack in it, which is gone by then.
func Worker(f func()) (panicked any) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if panicked = recover(); panicked != nil && faultOf(panicked) == nil {
			panicked = fmt.Sprintf("%v\n\n%s", panicked, debug.Stack())
		}
	}()
	f()
	return nil
}

// faultOf is the error of the mapped file that a panic's address lies in, or nil.
func faultOf(panicked any) error {
	e, ok := panicked.(interface{ Addr() uintptr })
	if !ok {
		return nil
	}
	at := e.Addr()
	mappings.Lock()
	i := slices.IndexFunc(mappings.list, func(m mapping) bool { return at >= m.begin && at < m.end })
	var m mapping
	if i >= 0 {
		m = mappings.list[i]
	}
	mappings.Unlock()
	if i < 0 {
		return nil
	}
	return m.fault(int64(at - m.begin))
}
