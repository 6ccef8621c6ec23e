package bandwidth

import "github.com/carat-llm/carat/internal/cpu"

// blockBytes is what one step of xor's loops reads.
const blockBytes = 512

// xor is the exclusive or of words, whose number is a multiple of 64: the least work that reads all.
func xor(words []uint64) uint64 {
	if native != nil && len(words) > 0 && cpu.Current() >= cpu.AVX2 {
		return native(&words[0], len(words))
	}
	return xorGeneric(words)
}

// xorGeneric has eight sums, so that loads need not wait for each other.
func xorGeneric(words []uint64) uint64 {
	var s [8]uint64
	for ; len(words) >= 8; words = words[8:] {
		w := words[:8:8]
		s[0] ^= w[0]
		s[1] ^= w[1]
		s[2] ^= w[2]
		s[3] ^= w[3]
		s[4] ^= w[4]
		s[5] ^= w[5]
		s[6] ^= w[6]
		s[7] ^= w[7]
	}
	return s[0] ^ s[1] ^ s[2] ^ s[3] ^ s[4] ^ s[5] ^ s[6] ^ s[7]
}
