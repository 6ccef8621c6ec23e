package codec

import "encoding/binary"

// putCodes stores the levels of eight elements as codes of 4 bits.
func putCodes(codes []uint8, levels uint64) { binary.LittleEndian.PutUint64(codes, levels) }

// putSigned3 stores levels of 0 to 3, and 8 more with a sign, as codes of 3 bits.
func putSigned3(codes []uint8, levels uint64) {
	putCodes(codes, levels&twoBits|levels>>1&(4*oneBit))
}

func integersIQ2XXS(p *Parts, block []byte) {
	points := gridIQ2XXS.expanded()
	p.D[0] = getF16(block)
	for b := range 8 {
		q := block[2+8*b:][:8]
		high := binary.LittleEndian.Uint32(q[4:])
		p.Scales[b] = int8(2*(high>>28) + 1)
		for k := range 4 {
			putSigned3(p.Codes[32*b+8*k:], eightLevels(&points[q[k]])|evenSignLevels(high))
			high >>= 7
		}
	}
}

func integersIQ2XS(p *Parts, block []byte) {
	points := gridIQ2XS.expanded()
	p.D[0] = getF16(block)
	for b := range 16 {
		p.Scales[b] = int8(2*(block[66+b/2]>>(b%2*4)&15) + 1)
		q := binary.LittleEndian.Uint32(block[2+4*b:])
		putSigned3(p.Codes[16*b:], eightLevels(&points[q&511])|evenSignLevels(q>>9))
		putSigned3(p.Codes[16*b+8:], eightLevels(&points[q>>16&511])|evenSignLevels(q>>25))
	}
}

func integersIQ2S(p *Parts, block []byte) {
	points := gridIQ2S.expanded()
	p.D[0] = getF16(block)
	for b := range 16 {
		p.Scales[b] = int8(2*(block[74+b/2]>>(b%2*4)&15) + 1)
		high := uint(block[66+b/2]) >> (b % 2 * 4)
		q, signs := block[2+2*b:][:2], block[34+2*b:][:2]
		putSigned3(p.Codes[16*b:], eightLevels(&points[uint(q[0])|high&3<<8])|signLevels[signs[0]])
		putSigned3(p.Codes[16*b+8:], eightLevels(&points[uint(q[1])|high>>2&3<<8])|signLevels[signs[1]])
	}
}

func integersIQ3XXS(p *Parts, block []byte) {
	points := gridIQ3XXS.expanded()
	p.D[0] = getF16(block)
	for b := range 8 {
		high := binary.LittleEndian.Uint32(block[66+4*b:])
		p.Scales[b] = int8(2*(high>>28) + 1)
		q := block[2+8*b:][:8]
		for k := range 4 {
			putCodes(p.Codes[32*b+8*k:], twiceFour(&points[q[2*k]], &points[q[2*k+1]])|evenSignLevels(high))
			high >>= 7
		}
	}
}

func integersIQ3S(p *Parts, block []byte) {
	points := gridIQ3S.expanded()
	p.D[0] = getF16(block)
	for b := range 8 {
		p.Scales[b] = int8(2*(block[106+b/2]>>(b%2*4)&15) + 1)
		high := uint(block[66+b]) << 8
		q, signs := block[2+8*b:][:8], block[74+4*b:][:4]
		for k := range 4 {
			p0, p1 := &points[uint(q[2*k])|high&256], &points[uint(q[2*k+1])|high>>1&256]
			putCodes(p.Codes[32*b+8*k:], twiceFour(p0, p1)|signLevels[signs[k]])
			high >>= 2
		}
	}
}

func integersIQ1S(p *Parts, block []byte) {
	points := gridIQ1.expanded()
	p.D[0] = getF16(block)
	for b := range 8 {
		high := binary.LittleEndian.Uint16(block[34+2*b:])
		p.Scales[b] = int8(2*(high>>12&7) + 1)
		shift := uint64(high>>15) * (4 * oneBit)
		q := block[2+4*b:][:4]
		for k := range 4 {
			putCodes(p.Codes[32*b+8*k:], eightLevels(&points[uint(q[k])|uint(high&7)<<8])|shift)
			high >>= 3
		}
	}
}

func integersIQ1M(p *Parts, block []byte) {
	points := gridIQ1.expanded()
	var half uint16
	for i := range 4 {
		half |= binary.LittleEndian.Uint16(block[48+2*i:]) >> 12 << (4 * i)
	}
	p.D[0] = F16ToF32(half)
	for b := range 16 {
		p.Scales[b] = int8(2*(binary.LittleEndian.Uint16(block[48+b/4*2:])>>(b%4*3)&7) + 1)
		for k := range 2 {
			high := block[32+b] >> (4 * k)
			shift := uint64(high>>3&1) * (4 * oneBit)
			putCodes(p.Codes[16*b+8*k:], eightLevels(&points[uint(block[2*b+k])|uint(high&7)<<8])|shift)
		}
	}
}
