package kernel

import "unsafe"

// tileArgs is a tile as assembly takes it. Strides are in bytes.
type tileArgs struct {
	acc      *float32
	stride   int
	codes    unsafe.Pointer
	d, min   *float32
	scales   *byte
	x        unsafe.Pointer
	xStride  int
	xs, xsum *float32
	init     *int32
	blocks   int
	width    int
}
