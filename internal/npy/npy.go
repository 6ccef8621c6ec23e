// Package npy writes arrays as NumPy's files (.npy, version 1.0): a header of text, padded to 64 bytes, and the elements.
package npy

import (
	"fmt"
	"strings"
)

// Header is what stands before rows x cols little-endian float32, row-major.
func Header(rows, cols int) []byte {
	const magic = "\x93NUMPY\x01\x00"
	text := fmt.Sprintf("{'descr': '<f4', 'fortran_order': False, 'shape': (%d, %d), }", rows, cols)
	padding := 63 - (len(magic)+2+len(text))%64
	text += strings.Repeat(" ", padding) + "\n"
	return append([]byte(magic+string([]byte{byte(len(text)), byte(len(text) >> 8)})), text...)
}
