package neon

import "fmt"

// instruction is a vector instruction: its word without operands, how it is written, and where in the word operands lie,
// in the order of writing.
type instruction struct {
	word   uint32
	text   string
	fields []field
}

// field is the bits of the word that an operand makes.
type field func(operand int) uint32

// do writes an instruction. Operands are numbers of registers, and what instructions take beside.
func (a *asm) do(i instruction, operands ...int) {
	word, args := i.word, make([]any, len(operands))
	if len(operands) != len(i.fields) {
		panic("neon: operands of " + i.text)
	}
	for n, v := range operands {
		word |= i.fields[n](v)
		args[n] = v
	}
	a.line("WORD $0x%08x // %s", word, fmt.Sprintf(i.text, args...))
}

func at(bit int) field { return func(v int) uint32 { return uint32(v) << bit } }

// The operands of instructions.
var (
	rd, rn, ra, rm = at(0), at(5), at(10), at(16)

	// The register behind the first.
	next field = func(int) uint32 { return 0 }
	// An element of four words; of a vector for dot products, too.
	element field = func(v int) uint32 { return uint32(v&1)<<21 | uint32(v>>1)<<11 }
	// A lane of four words that is copied.
	lane field = func(v int) uint32 { return uint32(v<<3|4) << 16 }
	// Shifts: to the left they are added to the size of the elements, to the right taken from twice that.
	left8, left32   = shift(8, 1), shift(32, 1)
	right8, right32 = shift(16, -1), shift(64, -1)
	// A byte that is repeated.
	byteImm field = func(v int) uint32 { return uint32(v)>>5<<16 | uint32(v)&31<<5 }
	// Distances in bytes behind a pointer, whole multiples of what is loaded.
	by4, by8, by16       = offset(4), offset(8), offset(16)
	pairs16        field = func(v int) uint32 { return uint32(multiple(v, 16)) & 127 << 15 }
	post           field = func(v int) uint32 { return uint32(v) & 511 << 12 }
)

func shift(base, sign int) field { return func(v int) uint32 { return uint32(base+sign*v) << 16 } }

func offset(size int) field {
	return func(v int) uint32 {
		if n := multiple(v, size); n >= 0 && n < 4096 {
			return uint32(n) << 10
		}
		panic("neon: offset")
	}
}

func multiple(v, size int) int {
	if v%size != 0 {
		panic("neon: offset")
	}
	return v / size
}

// three is an instruction d = n op m of vectors of one shape.
func three(word uint32, name, shape string) instruction {
	return instruction{word, fmt.Sprintf("%s v%%d.%[2]s, v%%d.%[2]s, v%%d.%[2]s", name, shape), []field{rd, rn, rm}}
}

// two is d = op n.
func two(word uint32, name, to, from string) instruction {
	return instruction{word, fmt.Sprintf("%s v%%d.%s, v%%d.%s", name, to, from), []field{rd, rn}}
}

// shifts is d = n shifted.
func shifts(word uint32, name, shape string, by field) instruction {
	return instruction{word, fmt.Sprintf("%s v%%d.%[2]s, v%%d.%[2]s, #%%d", name, shape), []field{rd, rn, by}}
}

// byElement is d = d op n * m[i], and the like.
func byElement(word uint32, name, d, n, m string) instruction {
	return instruction{word, fmt.Sprintf("%s v%%d.%s, v%%d.%s, v%%d.%s[%%d]", name, d, n, m), []field{rd, rn, rm, element}}
}

func memory(word uint32, name, reg string, by field) instruction {
	return instruction{word, name + " " + reg + "%d, [x%d, #%d]", []field{rd, rn, by}}
}

func memoryPost(word uint32, name, reg string) instruction {
	return instruction{word, name + " " + reg + "%d, [x%d], #%d", []field{rd, rn, post}}
}

func memoryPair(word uint32, text string) instruction {
	return instruction{word, text, []field{rd, ra, rn, pairs16}}
}

// The instructions that are used. Names end in the size of the elements where that matters.
var (
	ldrQ, ldrD, ldrS = memory(0x3dc00000, "ldr", "q", by16), memory(0xfd400000, "ldr", "d", by8), memory(0xbd400000, "ldr", "s", by4)
	strQ, strS       = memory(0x3d800000, "str", "q", by16), memory(0xbd000000, "str", "s", by4)
	ldrQPost         = memoryPost(0x3cc00400, "ldr", "q")
	ldrDPost         = memoryPost(0xfc400400, "ldr", "d")
	ldrSPost         = memoryPost(0xbc400400, "ldr", "s")
	strQPost         = memoryPost(0x3c800400, "str", "q")
	strSPost         = memoryPost(0xbc000400, "str", "s")
	ldpQ             = memoryPair(0xad400000, "ldp q%d, q%d, [x%d, #%d]")
	ldpQPost         = memoryPair(0xacc00000, "ldp q%d, q%d, [x%d], #%d")
	stpQ             = memoryPair(0xad000000, "stp q%d, q%d, [x%d, #%d]")
	stpQPost         = memoryPair(0xac800000, "stp q%d, q%d, [x%d], #%d")
	ld1Post          = instruction{0x4cc07800, "ld1 { v%d.4s }, [x%d], x%d", []field{rd, rn, rm}}
	st1Post          = instruction{0x4c807800, "st1 { v%d.4s }, [x%d], x%d", []field{rd, rn, rm}}
	ld2Post          = instruction{0x4cdf8800, "ld2 { v%d.4s, v%d.4s }, [x%d], #32", []field{rd, next, rn}}
	st2Post          = instruction{0x4c9f8800, "st2 { v%d.4s, v%d.4s }, [x%d], #32", []field{rd, next, rn}}
	ld1r             = instruction{0x4d40c800, "ld1r { v%d.4s }, [x%d]", []field{rd, rn}}
	ld1rPost4        = instruction{0x4ddfc800, "ld1r { v%d.4s }, [x%d], #4", []field{rd, rn}}

	and, orr, eor    = three(0x4e201c00, "and", "16b"), three(0x4ea01c00, "orr", "16b"), three(0x6e201c00, "eor", "16b")
	bit              = three(0x6ea01c00, "bit", "16b") // n where m has ones
	add, sub         = three(0x4ea08400, "add", "4s"), three(0x6ea08400, "sub", "4s")
	sub8             = three(0x6e208400, "sub", "16b")
	mul, mla         = three(0x4ea09c00, "mul", "4s"), three(0x4ea09400, "mla", "4s")
	umax             = three(0x6ea06400, "umax", "4s")
	fadd, fsub       = three(0x4e20d400, "fadd", "4s"), three(0x4ea0d400, "fsub", "4s")
	fmul, fdiv       = three(0x6e20dc00, "fmul", "4s"), three(0x6e20fc00, "fdiv", "4s")
	fmla, fmls       = three(0x4e20cc00, "fmla", "4s"), three(0x4ea0cc00, "fmls", "4s")
	fmax, fmin       = three(0x4e20f400, "fmax", "4s"), three(0x4ea0f400, "fmin", "4s")
	fmaxnm           = three(0x4e20c400, "fmaxnm", "4s")
	faddp            = three(0x6e20d400, "faddp", "4s")
	zip1D, zip2D     = three(0x4ec03800, "zip1", "2d"), three(0x4ec07800, "zip2", "2d")
	zip1, zip2       = three(0x4e803800, "zip1", "4s"), three(0x4e807800, "zip2", "4s")
	uzp1, uzp2       = three(0x4e801800, "uzp1", "4s"), three(0x4e805800, "uzp2", "4s")
	uzp1H, uzp1B     = three(0x4e401800, "uzp1", "8h"), three(0x4e001800, "uzp1", "16b")
	tbl              = instruction{0x4e000000, "tbl v%d.16b, { v%d.16b }, v%d.16b", []field{rd, rn, rm}}
	sdot             = byElement(0x4f80e000, "sdot", "4s", "16b", "4b")
	usdot            = byElement(0x4f80f000, "usdot", "4s", "16b", "4b")
	usmmla           = instruction{0x4e80ac00, "usmmla v%d.4s, v%d.16b, v%d.16b", []field{rd, rn, rm}}
	fmlaElement      = byElement(0x4f801000, "fmla", "4s", "4s", "s")
	fmlsElement      = byElement(0x4f805000, "fmls", "4s", "4s", "s")
	fmulElement      = byElement(0x4f809000, "fmul", "4s", "4s", "s")
	shl8, shl        = shifts(0x4f005400, "shl", "16b", left8), shifts(0x4f005400, "shl", "4s", left32)
	ushr8            = shifts(0x6f000400, "ushr", "16b", right8)
	srshr            = shifts(0x4f002400, "srshr", "4s", right32) // rounded
	sxtlB, sxtlH     = two(0x0f08a400, "sxtl", "8h", "8b"), two(0x0f10a400, "sxtl", "4s", "4h")
	uxtlB, uxtlH     = two(0x2f08a400, "uxtl", "8h", "8b"), two(0x2f10a400, "uxtl", "4s", "4h")
	sxtl2B, sxtl2H   = two(0x4f08a400, "sxtl2", "8h", "16b"), two(0x4f10a400, "sxtl2", "4s", "8h")
	uxtl2B, uxtl2H   = two(0x6f08a400, "uxtl2", "8h", "16b"), two(0x6f10a400, "uxtl2", "4s", "8h")
	scvtf            = two(0x4e21d800, "scvtf", "4s", "4s")
	fcvtns           = two(0x4e21a800, "fcvtns", "4s", "4s")
	fcvtl, fcvtl2    = two(0x0e217800, "fcvtl", "4s", "4h"), two(0x4e217800, "fcvtl2", "4s", "8h")
	shll16, shll2_16 = two(0x2e613800, "shll", "4s", "4h, #16"), two(0x6e613800, "shll2", "4s", "8h, #16")
	fneg, fabs       = two(0x6ea0f800, "fneg", "4s", "4s"), two(0x4ea0f800, "fabs", "4s", "4s")
	rev64            = two(0x4ea00800, "rev64", "4s", "4s")
	addv             = instruction{0x4eb1b800, "addv s%d, v%d.4s", []field{rd, rn}}
	umaxv            = instruction{0x6eb0a800, "umaxv s%d, v%d.4s", []field{rd, rn}}
	fmaxnmv          = instruction{0x6e30c800, "fmaxnmv s%d, v%d.4s", []field{rd, rn}}
	faddpS           = instruction{0x7e30d800, "faddp s%d, v%d.2s", []field{rd, rn}}
	dupLane          = instruction{0x4e000400, "dup v%d.4s, v%d.s[%d]", []field{rd, rn, lane}}
	dupW             = instruction{0x4e040c00, "dup v%d.4s, w%d", []field{rd, rn}}
	dupB             = instruction{0x4e010c00, "dup v%d.16b, w%d", []field{rd, rn}}
	moviB            = instruction{0x4f00e400, "movi v%d.16b, #%d", []field{rd, byteImm}}
	zero             = instruction{0x6f00e400, "movi v%d.2d, #0000000000000000", []field{rd}}
)

// copy writes a move.
func (a *asm) copy(to, from int) { a.do(orr, to, from, from) }
