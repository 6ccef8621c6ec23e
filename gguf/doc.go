// Package gguf reads and writes GGUF, the file format of llama.cpp and its kin, and defines the shapes that
// the rest of carat shares.
//
// # Reading
//
// Open maps a file (or all files of a split model) and checks everything the header says against the file:
// counts, lengths, types, shapes, offsets, overlaps. Nothing is allocated by a number that the file could not
// hold. Versions 2 and 3, little-endian. A *File is a Model: Metadata in file order, and Tensors that are read
// by rows with ReadRows or used in place through Mapped.
//
// # Writing
//
// Create plans the header first; tensor data then comes in any order from several goroutines with WriteAt.
// The file has its name only after Commit; Abort, a crash or a full disk leave nothing there.
//
// # Errors
//
// Malformed files give a *FormatError with file, offset, place and reason, which wraps ErrInput.
// What the machine cannot do wraps ErrEnvironment.
package gguf
