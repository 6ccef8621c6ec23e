package kernel

import (
	"encoding/binary"
	"slices"

	"github.com/carat-llm/carat/gguf"
	"github.com/carat-llm/carat/quantize/codec"
)

// panelRows is the number of rows whose weights lie side by side, one in each lane of a vector.
const panelRows = 16

// blockCols is the number of columns that share an activation scale, and whose products are summed as integers.
const blockCols = 32

// panels are the weights of a matrix of integers, in panels of 16 rows (the last one filled up with zeros): the codes
// and scales of the file, bit for bit as wide, in the order in which products take them. A panel holds, one part behind
// the other,
//
//	D       float16 or bfloat16, 16 rows of each scale: a scale for each f.Sub columns, or for each 256 with sub-scales
//	Min     the same
//	Scales  int8, 16 rows of each sub-scale
//	Minima  uint8, 16 rows of each sub-block
//	codes   for each block of 32 columns 64 bytes for each bit
//
// of which a format has those that codec.Integers says. Four columns of the 16 rows are a group: 64 bytes, four of each
// row. A block has eight groups; its codes are split into planes of 4, 2 and 1 bits, whose bytes hold the parts of the
// groups 0 and 4, 1 and 5, ...; 0, 2, 4 and 6, ...; 0 to 7, the first lowest. Codes of 8 bits are as they are.
type panels struct {
	f          *codec.Integers
	rows, cols int
	size       int // bytes of a panel
	// Where the parts begin.
	mins, scales, minima, codes int
	offset                      int        // of codes or, when they are looked up, of what table holds
	table                       *[16]uint8 // levels plus offset
	most                        int        // the greatest of codes, or of what table holds
	factor                      float32    // of D
	data                        []byte
}

// layout returns the panels of a matrix without data.
func layout(f *codec.Integers, rows, cols int) panels {
	p := panels{f: f, factor: f.Factor, rows: rows, cols: cols, offset: f.Offset, most: 1<<f.Bits - 1}
	if p.factor == 0 {
		p.factor = 1
	}
	if f.Levels != nil {
		// Some kernels are faster when what they multiply is small; else it is that of signed bytes.
		least, most := slices.Min(f.Levels[:]), slices.Max(f.Levels[:])
		p.offset, p.table = -int(least), new([16]uint8)
		if p.most = int(most) - int(least); p.most > 127 {
			p.offset, p.most = 128, int(most)+128
		}
		for i, l := range f.Levels {
			p.table[i] = uint8(int(l) + p.offset)
		}
	}
	subs, at := cols/f.Sub, 0
	part := func(there bool, bytes int) int {
		first := at
		if there {
			at += bytes
		}
		return first
	}
	ds := subs
	if f.Scaled {
		ds = cols / superCols
	}
	part(true, ds*panelRows*2)
	p.mins = part(f.Minima, ds*panelRows*2)
	p.scales = part(f.Scaled, subs*panelRows)
	p.minima = part(f.Scaled && f.Minima, subs*panelRows)
	at = (at + vectorBytes - 1) &^ (vectorBytes - 1)
	p.codes = part(true, cols/blockCols*vectorBytes*f.Bits)
	p.size = at
	return p
}

// superCols is the number of columns of a super-block.
const superCols = 256

// count is the number of panels.
func (p *panels) count() int { return (p.rows + panelRows - 1) / panelRows }

// panel returns the bytes of panel i.
func (p *panels) panel(i int) []byte { return p.data[i*p.size:][:p.size:p.size] }

// packer turns rows into panels.
type packer struct {
	parts [panelRows]codec.Parts
	rows  rows16
}

// pack fills a panel from at most 16 rows of the file; rows that are missing become zeros.
func (k *packer) pack(p *panels, panel, rows []byte, t gguf.Type) {
	f, n := straight[t], int(t.RowBytes(int64(p.cols)))
	if f == nil || len(rows) < panelRows*n {
		k.packParts(p, panel, rows, t)
		return
	}
	k.rows.panels, k.rows.panel, k.rows.rows, k.rows.stride = p, panel, rows, n
	f(&k.rows)
}

// packParts is pack by way of parts of blocks, whatever the format.
func (k *packer) packParts(p *panels, panel, rows []byte, t gguf.Type) {
	blockSize, blockBytes := t.BlockSize(), t.BlockBytes()
	n := p.cols / blockSize
	rowBytes := n * blockBytes
	have := len(rows) / rowBytes
	for r := have; r < panelRows; r++ {
		k.parts[r] = codec.Parts{}
	}
	for b := range n {
		for r := range have {
			p.f.Split(&k.parts[r], rows[r*rowBytes+b*blockBytes:][:blockBytes])
		}
		k.store(p, panel, b*blockSize, blockSize)
	}
}

// store puts the parts of columns first..first+n-1 into the panel.
func (k *packer) store(p *panels, panel []byte, first, n int) {
	subs, sub := n/p.f.Sub, first/p.f.Sub
	d := first / p.f.Sub
	ds := subs
	if p.f.Scaled {
		d, ds = first/superCols, 1
	}
	for i := range ds {
		at := (d + i) * panelRows * 2
		for r := range panelRows {
			binary.LittleEndian.PutUint16(panel[at+2*r:], p.half(k.parts[r].D[i]))
			if p.f.Minima {
				binary.LittleEndian.PutUint16(panel[p.mins+at+2*r:], p.half(k.parts[r].Min[i]))
			}
		}
	}
	if p.f.Scaled {
		for i := range subs {
			at := (sub + i) * panelRows
			for r := range panelRows {
				panel[p.scales+at+r] = uint8(k.parts[r].Scales[i])
				if p.f.Minima {
					panel[p.minima+at+r] = k.parts[r].Minima[i]
				}
			}
		}
	}
	for b := range n / blockCols {
		planes := panel[p.codes+(first/blockCols+b)*vectorBytes*p.f.Bits:][:vectorBytes*p.f.Bits]
		for r := range panelRows {
			storePlanes(planes[4*r:], (*[blockCols]uint8)(k.parts[r].Codes[b*blockCols:]), p.f.Bits)
		}
	}
}

func (p *panels) half(v float32) uint16 {
	if p.f.BF16Scales {
		return codec.F32ToBF16(v)
	}
	return codec.F32ToF16(v)
}

// storePlanes stores the codes of one row and 32 columns; planes begins at the row's lane.
func storePlanes(planes []byte, codes *[blockCols]uint8, bits int) {
	var groups [8]uint32
	for g := range groups {
		groups[g] = binary.LittleEndian.Uint32(codes[4*g:])
	}
	put := func(i int, v uint32) { binary.LittleEndian.PutUint32(planes[i*vectorBytes:], v) }
	if bits == 8 {
		for g, v := range groups {
			put(g, v)
		}
		return
	}
	plane, low := 0, 0 // the next plane, and its lowest bit
	if bits >= 4 {
		for j := range 4 {
			put(plane+j, groups[j]&0x0f0f0f0f|groups[j+4]&0x0f0f0f0f<<4)
		}
		plane, low = 4, 4
	}
	if bits&2 != 0 {
		const two = 0x03030303
		for j := range 2 {
			put(plane+j, groups[j]>>low&two|groups[j+2]>>low&two<<2|groups[j+4]>>low&two<<4|groups[j+6]>>low&two<<6)
		}
		plane, low = plane+2, low+2
	}
	if bits&1 != 0 {
		var v uint32
		for g := range groups {
			v |= groups[g] >> low & 0x01010101 << g
		}
		put(plane, v)
	}
}
