package codec

import "encoding/binary"

// nibbles stores the low nibbles of q, then the high ones.
func nibbles(codes, q []byte) {
	n := len(q)
	codes = codes[:2*n]
	for i, b := range q {
		codes[i], codes[n+i] = b&15, b>>4
	}
}

// crumbs stores the codes of 2 bits of q, all of the lowest bits first.
func crumbs(codes, q []byte) {
	n := len(q)
	codes = codes[:4*n]
	for i, b := range q {
		codes[i], codes[n+i], codes[2*n+i], codes[3*n+i] = b&3, b>>2&3, b>>4&3, b>>6
	}
}

// repeat sets the scale of n times 32 columns.
func (p *Parts) repeat(d float32, n int) {
	for i := range n {
		p.D[i] = d
	}
}

func integersQ4_0(p *Parts, block []byte) {
	p.D[0] = getF16(block)
	nibbles(p.Codes[:], block[2:18])
}

func integersQ4_1(p *Parts, block []byte) {
	p.D[0], p.Min[0] = getF16(block), getF16(block[2:])
	nibbles(p.Codes[:], block[4:20])
}

// fifthBits adds the bits of high to 32 codes.
func fifthBits(codes []uint8, high uint32) {
	for i := range codes[:32] {
		codes[i] |= uint8(high>>i&1) << 4
	}
}

func integersQ5_0(p *Parts, block []byte) {
	p.D[0] = getF16(block)
	nibbles(p.Codes[:], block[6:22])
	fifthBits(p.Codes[:], binary.LittleEndian.Uint32(block[2:]))
}

func integersQ5_1(p *Parts, block []byte) {
	p.D[0], p.Min[0] = getF16(block), getF16(block[2:])
	nibbles(p.Codes[:], block[8:24])
	fifthBits(p.Codes[:], binary.LittleEndian.Uint32(block[4:]))
}

func integersQ8_0(p *Parts, block []byte) {
	p.D[0] = getF16(block)
	for i, b := range block[2:34] {
		p.Codes[i] = b ^ 0x80
	}
}

func integersIQ4NL(p *Parts, block []byte) { integersQ4_0(p, block) }

func integersMXFP4(p *Parts, block []byte) {
	p.D[0] = e8m0(block[0])
	nibbles(p.Codes[:], block[1:17])
}

func integersNVFP4(p *Parts, block []byte) {
	for s := range 4 {
		p.D[s] = ue4m3[block[s]]
		nibbles(p.Codes[16*s:], block[4+8*s:][:8])
	}
}

func integersQ1(p *Parts, block []byte) {
	p.repeat(getF16(block), 4)
	for i := range p.Codes[:128] {
		p.Codes[i] = block[2+i/8] >> (i % 8) & 1
	}
}

func integersQ2(p *Parts, block []byte) {
	p.repeat(getF16(block), 2)
	for i := range p.Codes[:64] {
		p.Codes[i] = block[2+i/4] >> (i % 4 * 2) & 3
	}
}

func integersTQ1(p *Parts, block []byte) {
	p.repeat(getF16(block[52:]), 8)
	for _, g := range groupsTQ1 {
		for m, b := range block[g.at : g.at+g.bytes] {
			t := tritsOf[b]
			for n := range g.trits {
				p.Codes[g.first+m+n*g.bytes] = uint8(t >> (2 * n) & 3)
			}
		}
	}
}

func integersTQ2(p *Parts, block []byte) {
	p.repeat(getF16(block[64:]), 8)
	crumbs(p.Codes[:128], block[:32])
	crumbs(p.Codes[128:], block[32:64])
}
