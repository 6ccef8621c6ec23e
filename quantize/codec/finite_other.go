//go:build !(amd64 && gc && !noasm && !purego)

package codec

func largestHalf(src []byte) uint32 { return largestHalfGeneric(src) }
func largestWord(src []byte) uint32 { return largestWordGeneric(src) }
