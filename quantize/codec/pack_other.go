//go:build !(amd64 && gc && !noasm && !purego)

package codec

func packNibbles(dst []byte, L *[superBlock]uint8)     { packNibblesGeneric(dst, L) }
func pack2(dst []byte, L *[superBlock]uint8)           { pack2Generic(dst, L) }
func packBits(dst []byte, L *[superBlock]uint8, n int) { packBitsGeneric(dst, L, n) }
func pack6(dst []byte, L *[superBlock]uint8)           { pack6Generic(dst, L) }
