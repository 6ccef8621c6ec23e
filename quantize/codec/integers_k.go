package codec

import "encoding/binary"

func integersQ2K(p *Parts, block []byte) {
	p.D[0], p.Min[0] = getF16(block[80:]), getF16(block[82:])
	for j, b := range block[:16] {
		p.Scales[j], p.Minima[j] = int8(b&15), b>>4
	}
	crumbs(p.Codes[:128], block[16:48])
	crumbs(p.Codes[128:], block[48:80])
}

func integersQ3K(p *Parts, block []byte) {
	p.D[0] = getF16(block[108:])
	packed := block[96:108]
	for j := range 16 {
		p.Scales[j] = int8(packed[j%8]>>(j/8*4)&15|packed[8+j%4]>>(j/4*2)&3<<4) - 32
	}
	crumbs(p.Codes[:128], block[32:64])
	crumbs(p.Codes[128:], block[64:96])
	for j := range 8 {
		for i, b := range block[:32] {
			p.Codes[32*j+i] |= b >> j & 1 << 2
		}
	}
}

// integersK4 takes what Q4_K and Q5_K share: scales, and low nibbles.
func integersK4(p *Parts, block, q []byte) {
	p.D[0], p.Min[0] = getF16(block), getF16(block[2:])
	for j := range 8 {
		s, m := unpackScaleK4(block[4:16], j)
		p.Scales[j], p.Minima[j] = int8(s), m
	}
	for j := range 4 {
		nibbles(p.Codes[64*j:], q[32*j:][:32])
	}
}

func integersQ4K(p *Parts, block []byte) { integersK4(p, block, block[16:144]) }

func integersQ5K(p *Parts, block []byte) {
	integersK4(p, block, block[48:176])
	for j := range 8 {
		for i, b := range block[16:48] {
			p.Codes[32*j+i] |= b >> j & 1 << 4
		}
	}
}

func integersQ6K(p *Parts, block []byte) {
	p.D[0] = getF16(block[208:])
	for j := range 16 {
		p.Scales[j] = int8(block[192+j])
	}
	for half := range 2 {
		codes, low, high := p.Codes[128*half:][:128], block[64*half:][:64], block[128+32*half:][:32]
		nibbles(codes, low) // low nibbles are the first 64, high ones the others
		for i, b := range high {
			codes[i] |= b & 3 << 4
			codes[32+i] |= b >> 2 & 3 << 4
			codes[64+i] |= b >> 4 & 3 << 4
			codes[96+i] |= b >> 6 << 4
		}
	}
}

func integersIQ4XS(p *Parts, block []byte) {
	high := binary.LittleEndian.Uint16(block[2:])
	p.D[0] = getF16(block)
	for j := range 8 {
		p.Scales[j] = int8(block[4+j/2]>>(j%2*4)&15|uint8(high>>(2*j)&3)<<4) - 32
		nibbles(p.Codes[32*j:], block[8+16*j:][:16])
	}
}
