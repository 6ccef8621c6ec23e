package pickle

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
)

// Limits of the machine. A model of 100000 tensors needs a quarter of each, or less.
const (
	maxPickle = 64 << 20 // bytes of a pickle
	maxSteps  = 1 << 24  // instructions
	maxStack  = 1 << 20  // values at a time
	maxMemo   = 1 << 22  // values that are kept for later
)

// machine runs one pickle after the other that text begins with. The instructions are those of Python's pickletools, as far
// as torch.save writes them with protocols 2 to 5.
type machine struct {
	text  []byte
	at    int
	steps int
	stack []value
	marks []int // heights of the stack
	memo  map[uint32]value
	// stored makes a value of a persistent id: what torch.save puts in place of a storage.
	stored func(id tuple) (value, error)
}

// next takes n bytes.
func (m *machine) next(n uint64) ([]byte, error) {
	if n > uint64(len(m.text)-m.at) {
		return nil, fmt.Errorf("the pickle ends at byte %d, %d more were expected", len(m.text), n-uint64(len(m.text)-m.at))
	}
	b := m.text[m.at : m.at+int(n)]
	m.at += int(n)
	return b, nil
}

// number takes a little-endian number of n bytes.
func (m *machine) number(n int) (uint64, error) {
	var eight [8]byte
	b, err := m.next(uint64(n))
	copy(eight[:], b)
	return binary.LittleEndian.Uint64(eight[:]), err
}

// sized takes bytes that stand behind their number, which has n bytes.
func (m *machine) sized(n int) ([]byte, error) {
	length, err := m.number(n)
	if err != nil {
		return nil, err
	}
	return m.next(length)
}

// line takes text up to the end of the line.
func (m *machine) line() (string, error) {
	n := bytes.IndexByte(m.text[m.at:], '\n')
	if n < 0 {
		return "", errors.New("the pickle ends within a name")
	}
	s := string(m.text[m.at : m.at+n])
	m.at += n + 1
	return s, nil
}

func (m *machine) push(v value) error {
	if len(m.stack) == maxStack {
		return fmt.Errorf("the pickle needs more than %d values at a time", maxStack)
	}
	m.stack = append(m.stack, v)
	return nil
}

// floor is the height of the stack above which values may be taken.
func (m *machine) floor() int {
	if n := len(m.marks); n > 0 {
		return m.marks[n-1]
	}
	return 0
}

// pop takes the last n values.
func (m *machine) pop(n int) ([]value, error) {
	if len(m.stack)-m.floor() < n {
		return nil, errors.New("the pickle takes a value that is not there")
	}
	top := m.stack[len(m.stack)-n:]
	m.stack = m.stack[:len(m.stack)-n]
	return top, nil
}

// popMark takes the values above the last mark.
func (m *machine) popMark() ([]value, error) {
	if len(m.marks) == 0 {
		return nil, errors.New("the pickle looks for a mark that is not there")
	}
	floor := m.floor()
	m.marks = m.marks[:len(m.marks)-1]
	top := m.stack[floor:]
	m.stack = m.stack[:floor]
	return top, nil
}

// top is the last value, which stays.
func (m *machine) top() (value, error) {
	if len(m.stack) == m.floor() {
		return nil, errors.New("the pickle takes a value that is not there")
	}
	return m.stack[len(m.stack)-1], nil
}

func (m *machine) put(i uint64) error {
	v, err := m.top()
	if err != nil {
		return err
	}
	if len(m.memo) == maxMemo {
		return fmt.Errorf("the pickle keeps more than %d values", maxMemo)
	}
	m.memo[uint32(i)] = v
	return nil
}

func (m *machine) get(i uint64) error {
	v, ok := m.memo[uint32(i)]
	if !ok {
		return fmt.Errorf("the pickle refers to value %d, which it has not kept", i)
	}
	return m.push(v)
}

// run runs one pickle and returns what it makes.
func (m *machine) run() (value, error) {
	m.stack, m.marks, m.memo = nil, nil, map[uint32]value{}
	for {
		at := m.at
		op, err := m.next(1)
		if err != nil {
			return nil, err
		}
		if m.steps++; m.steps > maxSteps {
			return nil, fmt.Errorf("the pickle has more than %d instructions", maxSteps)
		}
		if op[0] == '.' {
			v, err := m.pop(1)
			if err != nil {
				return nil, err
			}
			return v[0], nil
		}
		if err := m.step(op[0]); err != nil {
			return nil, fmt.Errorf("%w (at byte %d of the pickle)", err, at)
		}
	}
}

// step runs one instruction.
func (m *machine) step(op byte) error {
	switch op {
	case 0x80: // PROTO
		version, err := m.number(1)
		if err == nil && version > 5 {
			err = fmt.Errorf("the pickle has protocol %d, expected at most 5", version)
		}
		return err
	case 0x95: // FRAME
		_, err := m.next(8)
		return err
	case '(': // MARK
		if len(m.marks) == maxStack {
			return fmt.Errorf("the pickle needs more than %d marks at a time", maxStack)
		}
		m.marks = append(m.marks, len(m.stack))
		return nil
	case '0': // POP, which takes a mark where there is no value above it
		if len(m.stack) == m.floor() && len(m.marks) > 0 {
			m.marks = m.marks[:len(m.marks)-1]
			return nil
		}
		_, err := m.pop(1)
		return err
	case '1': // POP_MARK
		_, err := m.popMark()
		return err
	case '2': // DUP
		v, err := m.top()
		if err != nil {
			return err
		}
		return m.push(v)
	case 'q', 'r': // BINPUT, LONG_BINPUT
		i, err := m.number(width(op == 'q', 1, 4))
		if err != nil {
			return err
		}
		return m.put(i)
	case 0x94: // MEMOIZE
		return m.put(uint64(len(m.memo)))
	case 'h', 'j': // BINGET, LONG_BINGET
		i, err := m.number(width(op == 'h', 1, 4))
		if err != nil {
			return err
		}
		return m.get(i)
	}
	if v, ok, err := m.literal(op); err != nil {
		return err
	} else if ok {
		return m.push(v)
	}
	return m.compose(op)
}

func width(short bool, n, long int) int {
	if short {
		return n
	}
	return long
}

// literal reads an instruction that stands for a value.
func (m *machine) literal(op byte) (v value, ok bool, err error) {
	var b []byte
	var n uint64
	switch op {
	case 'N': // NONE
		return nil, true, nil
	case 0x88, 0x89: // NEWTRUE, NEWFALSE
		return op == 0x88, true, nil
	case 'J': // BININT
		n, err = m.number(4)
		return int64(int32(n)), true, err
	case 'K': // BININT1
		n, err = m.number(1)
		return int64(n), true, err
	case 'M': // BININT2
		n, err = m.number(2)
		return int64(n), true, err
	case 0x8a, 0x8b: // LONG1, LONG4
		b, err = m.sized(width(op == 0x8a, 1, 4))
		return long(b), true, err
	case 'G': // BINFLOAT
		if b, err = m.next(8); err == nil {
			v = math.Float64frombits(binary.BigEndian.Uint64(b))
		}
		return v, true, err
	case 'X': // BINUNICODE
		b, err = m.sized(4)
		return string(b), true, err
	case 0x8c, 'U': // SHORT_BINUNICODE, SHORT_BINSTRING
		b, err = m.sized(1)
		return string(b), true, err
	case 0x8d: // BINUNICODE8
		b, err = m.sized(8)
		return string(b), true, err
	case 'T', 'B': // BINSTRING, BINBYTES
		b, err = m.sized(4)
		return string(b), true, err
	case 'C': // SHORT_BINBYTES
		b, err = m.sized(1)
		return string(b), true, err
	case ')': // EMPTY_TUPLE
		return tuple(nil), true, nil
	case ']', 0x8f: // EMPTY_LIST, EMPTY_SET
		return new(list), true, nil
	case '}': // EMPTY_DICT
		return new(dict), true, nil
	case 'c': // GLOBAL
		var module, name string
		if module, err = m.line(); err == nil {
			name, err = m.line()
		}
		if err == nil {
			v, err = find(module, name)
		}
		return v, true, err
	}
	return nil, false, nil
}

// long is a whole number of any length, as Python writes it. One that does not fit in 64 bits stays what it is written as.
func long(b []byte) value {
	if len(b) > 8 {
		return string(b)
	}
	var eight [8]byte
	copy(eight[:], b)
	v := int64(binary.LittleEndian.Uint64(eight[:]))
	shift := 64 - 8*len(b)
	return v << shift >> shift
}
