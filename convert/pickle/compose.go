package pickle

import (
	"errors"
	"fmt"
	"slices"
)

// compose runs an instruction that makes a value of others.
func (m *machine) compose(op byte) error {
	switch op {
	case 0x85, 0x86, 0x87: // TUPLE1 to TUPLE3
		return m.tuple(m.pop(int(op-0x85) + 1))
	case 't': // TUPLE
		return m.tuple(m.popMark())
	case 'a': // APPEND
		return m.fill(m.pop(1))
	case 'e', 0x90: // APPENDS, ADDITEMS
		return m.fill(m.popMark())
	case 's': // SETITEM
		return m.set(m.pop(2))
	case 'u': // SETITEMS
		return m.set(m.popMark())
	case 0x93: // STACK_GLOBAL
		names, err := m.pop(2)
		if err != nil {
			return err
		}
		module, ok := names[0].(string)
		name, ok2 := names[1].(string)
		if !ok || !ok2 {
			return fmt.Errorf("the pickle names a global by %s and %s", kind(names[0]), kind(names[1]))
		}
		g, err := find(module, name)
		if err != nil {
			return err
		}
		return m.push(g)
	case 'R', 0x81: // REDUCE, NEWOBJ
		both, err := m.pop(2)
		if err != nil {
			return err
		}
		f, ok := both[0].(global)
		args, ok2 := both[1].(tuple)
		if !ok || !ok2 {
			return fmt.Errorf("the pickle calls %s with %s", kind(both[0]), kind(both[1]))
		}
		v, err := call(f, args)
		if err != nil {
			return err
		}
		return m.push(v)
	case 'b': // BUILD: attributes, as state_dict's _metadata
		if _, err := m.pop(1); err != nil {
			return err
		}
		v, err := m.top()
		if err != nil {
			return err
		}
		switch v.(type) {
		case *dict, *tensor:
			return nil
		}
		return fmt.Errorf("the pickle sets the state of %s", kind(v))
	case 'Q': // BINPERSID
		id, err := m.pop(1)
		if err != nil {
			return err
		}
		args, ok := id[0].(tuple)
		if !ok || m.stored == nil {
			return fmt.Errorf("the pickle refers to data by %s", kind(id[0]))
		}
		v, err := m.stored(args)
		if err != nil {
			return err
		}
		return m.push(v)
	}
	return fmt.Errorf("the pickle has the instruction 0x%02x, which PyTorch does not write; save the tensors again with torch.save", op)
}

func (m *machine) tuple(values []value, err error) error {
	if err != nil {
		return err
	}
	return m.push(tuple(slices.Clone(values)))
}

// fill appends to a list.
func (m *machine) fill(values []value, err error) error {
	if err != nil {
		return err
	}
	v, err := m.top()
	if err != nil {
		return err
	}
	l, ok := v.(*list)
	if !ok {
		return fmt.Errorf("the pickle appends to %s", kind(v))
	}
	l.values = append(l.values, values...)
	return nil
}

// set puts pairs of keys and values in a dictionary.
func (m *machine) set(pairs []value, err error) error {
	if err != nil {
		return err
	}
	v, err := m.top()
	if err != nil {
		return err
	}
	d, ok := v.(*dict)
	if !ok {
		return fmt.Errorf("the pickle sets entries of %s", kind(v))
	}
	if len(pairs)%2 != 0 {
		return errors.New("the pickle has a key without a value")
	}
	for i := 0; i < len(pairs); i += 2 {
		d.set(pairs[i], pairs[i+1])
	}
	return nil
}
