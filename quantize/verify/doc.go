// Package verify looks at what a model's tensors hold.
//
// CompareValues measures how far the values of one tensor are from another's, whatever their types. Verify goes
// through a whole model: every block is decoded and every value must be finite, the metadata must agree with
// itself and with the tensors, and pass what loading the model asks for; with a source a random sample of tensors is
// encoded again and compared byte by byte. Tensors are read by chunks of rows; memory does not grow with the model.
package verify
