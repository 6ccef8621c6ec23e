package prequant

import (
	"strings"

	"github.com/carat-llm/carat/convert/safetensors"
)

// method is what checkpoints call a way to quantize.
type method struct {
	name string // as people call it
	// layouts are those in which its weights are found; the first that a tensor fits is taken.
	layouts []layout
	// choose replaces layouts for methods whose config says which it is.
	choose func(c *Config) []layout
	// check says why a checkpoint of this method cannot be read, "" if it can.
	check func(c *Config) string
}

// layout is a way in which a quantized weight is held in several tensors.
type layout struct {
	// codes is what the name of the tensor that holds the codes ends with, and weight what the weight's ends with in its place.
	codes, weight string
	// needed and optional are what the names of the other tensors end with in place of codes. Endings of needed that are separated by | are alternatives, known by the first.
	needed, optional []string
	// marked says that the name of the codes alone tells the layout: a tensor of needed that is missing is an error then.
	marked bool
	// fits, if not nil, tells layouts with the same names apart.
	fits func(w *quantized) bool
	// last says that the reference writes these weights behind all that are not quantized.
	last bool
	open func(w *quantized) (*Tensor, error)
}

// quantized is a weight as it was found.
type quantized struct {
	config *Config
	name   string // of the weight
	module string // what it is the weight of
	codes  *safetensors.Tensor
	parts  map[string]*safetensors.Tensor // the others by their endings, nil where there is none
}

// methods is the table of what is read. A new method is a file with its layout, and a line here.
var methods = map[string]method{
	"gptq":               {name: "GPTQ", layouts: []layout{gptq}, check: checkGPTQ},
	"awq":                {name: "AWQ", layouts: []layout{awq}, check: checkAWQ},
	"auto-round":         {name: "AutoRound", choose: chooseAutoRound, check: checkAutoRound},
	"bitsandbytes":       {name: "bitsandbytes", layouts: []layout{bnb4, bnb8}},
	"fp8":                {name: "FP8", layouts: []layout{scaled, scaledMistral}},
	"fbgemm_fp8":         {name: "FBGEMM FP8", layouts: []layout{scaled}},
	"compressed-tensors": {name: "compressed-tensors", layouts: []layout{nvfp4Packed, packed, scaled}, check: checkCompressed},
	"compressed_tensors": {name: "compressed-tensors", layouts: []layout{nvfp4Packed, packed, scaled}, check: checkCompressed},
	"modelopt":           {name: "ModelOpt", layouts: []layout{nvfp4, scaled}},
	"mxfp4":              {name: "MXFP4", layouts: []layout{mxfp4}},
	"bitnet":             {name: "BitNet", layouts: []layout{bitnet}},
}

// AutoRound writes the layouts of others.
func checkAutoRound(c *Config) string {
	switch format := c.text("packing_format"); format {
	case "auto_round:auto_gptq", "auto_round:gptq":
		return checkGPTQ(c)
	case "auto_round:auto_awq", "auto_round:awq":
		return checkAWQ(c)
	default:
		return "carat reads auto_round:auto_gptq and auto_round:auto_awq of its packing formats, not \"" + format + "\""
	}
}

func chooseAutoRound(c *Config) []layout {
	if strings.HasSuffix(c.text("packing_format"), "awq") {
		return []layout{awq}
	}
	return []layout{gptq}
}

func checkCompressed(c *Config) string {
	switch format := c.text("format"); format {
	case "", "pack-quantized", "int-quantized", "naive-quantized", "float-quantized", "nvfp4-pack-quantized", "mixed-precision", "dense":
		return ""
	default:
		return "carat does not read the format " + format
	}
}
