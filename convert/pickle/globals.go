package pickle

import "fmt"

// global is a name of the closed list, "module.name".
type global string

// storages are the types of storages, by the type of their elements; "" is that of bytes of any type.
var storages = map[global]string{
	"torch.DoubleStorage": "F64", "torch.FloatStorage": "F32", "torch.HalfStorage": "F16", "torch.BFloat16Storage": "BF16",
	"torch.LongStorage": "I64", "torch.IntStorage": "I32", "torch.ShortStorage": "I16", "torch.CharStorage": "I8",
	"torch.ByteStorage": "U8", "torch.BoolStorage": "BOOL",
	"torch.UntypedStorage": "", "torch.storage.UntypedStorage": "",
}

// dtypes are the types of tensors of storages that have none.
var dtypes = map[global]string{
	"torch.float64": "F64", "torch.float32": "F32", "torch.float16": "F16", "torch.bfloat16": "BF16",
	"torch.float8_e4m3fn": "F8_E4M3", "torch.float8_e5m2": "F8_E5M2", "torch.float8_e8m0fnu": "F8_E8M0",
	"torch.int64": "I64", "torch.int32": "I32", "torch.int16": "I16", "torch.int8": "I8",
	"torch.uint64": "U64", "torch.uint32": "U32", "torch.uint16": "U16", "torch.uint8": "U8", "torch.bool": "BOOL",
}

// types may be named as the types of what is rebuilt.
var types = map[global]bool{"torch.Tensor": true, "torch.nn.parameter.Parameter": true, "torch.nn.parameter.Buffer": true}

// functions are what may be called.
var functions map[global]func(args tuple) (value, error)

func init() { // it refers to call, which looks here
	functions = map[global]func(args tuple) (value, error){
		"collections.OrderedDict": func(tuple) (value, error) { return new(dict), nil },
		"torch.device":            func(tuple) (value, error) { return nil, nil },
		"torch.Size": func(args tuple) (value, error) {
			if len(args) == 1 {
				if t, ok := args[0].(tuple); ok {
					return t, nil
				}
			}
			return nil, fmt.Errorf("torch.Size is called with %s", kind(args))
		},
		"torch._utils._rebuild_tensor":               func(args tuple) (value, error) { return rebuild(args, 4, "") },
		"torch._utils._rebuild_tensor_v2":            func(args tuple) (value, error) { return rebuild(args, 6, "") },
		"torch._utils._rebuild_tensor_v3":            rebuildTyped,
		"torch._utils._rebuild_parameter":            first,
		"torch._utils._rebuild_parameter_with_state": first,
		"torch._tensor._rebuild_from_type_v2":        rebuildFromType,
	}
}

// find returns the global of that name, or an error of one that is not on the list.
func find(module, name string) (global, error) {
	g := global(module + "." + name)
	_, isStorage := storages[g]
	_, isType := dtypes[g]
	if functions[g] == nil && !isStorage && !isType && !types[g] {
		return "", fmt.Errorf("it needs %q, which is not one of the names that checkpoints of tensors have; "+
			"carat runs no code of files: load it in PyTorch if you trust it, and save model.state_dict(), or take safetensors", string(g))
	}
	return g, nil
}

// call stands for what Python's function would return.
func call(f global, args tuple) (value, error) {
	fn := functions[f]
	if fn == nil {
		return nil, fmt.Errorf("the pickle calls %s, which is not a function", f)
	}
	return fn(args)
}

// first is what is made of a parameter: its tensor.
func first(args tuple) (value, error) {
	if len(args) > 0 {
		if t, ok := args[0].(*tensor); ok {
			return t, nil
		}
	}
	return nil, fmt.Errorf("a parameter is made of %s, expected a tensor first", kind(args))
}

// rebuildTyped is for storages of bytes: the type is the seventh argument.
func rebuildTyped(args tuple) (value, error) {
	if len(args) < 7 {
		return nil, fmt.Errorf("a tensor is made of %s, expected 7", kind(args))
	}
	dtype, ok := args[6].(global)
	if !ok || dtypes[dtype] == "" {
		return nil, fmt.Errorf("a tensor has %s in place of its type", kind(args[6]))
	}
	return rebuild(args, 7, dtypes[dtype])
}

// rebuildFromType is for tensors with attributes: a function that makes one, its class, arguments and attributes.
func rebuildFromType(args tuple) (value, error) {
	if len(args) == 4 {
		f, ok := args[0].(global)
		class, ok2 := args[1].(global)
		inner, ok3 := args[2].(tuple)
		if ok && ok2 && ok3 && types[class] && f != "torch._tensor._rebuild_from_type_v2" {
			return call(f, inner)
		}
	}
	return nil, fmt.Errorf("a tensor is made of %s, expected a function, a class and its arguments", kind(args))
}
