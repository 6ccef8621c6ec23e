package main

import "github.com/carat-llm/carat/quantize/recipe"

// measuredOn tells what the figures of costs are of.
const measuredOn = "mean KL divergence in nats, SmolLM2-135M, 20 chunks of WikiText-2 (docs/benchmarks.md)"

// cost is what a file type loses without and with an importance matrix; nil where that was not measured.
type cost struct{ alone, imatrix *float64 }

// costs are those of docs/benchmarks.md, "The same model with noise inside each quantization cell"; a test compares them.
var costs = map[recipe.FileType]cost{
	recipe.Q6_K:   {imatrix: new(0.003362)},
	recipe.Q5_K_M: {new(0.045892), new(0.016978)},
	recipe.Q4_K_M: {new(0.070858), new(0.049465)},
	recipe.IQ4_XS: {imatrix: new(0.127811)},
	recipe.Q4_0:   {imatrix: new(0.237070)},
	recipe.Q3_K_M: {imatrix: new(0.128233)},
	recipe.Q2_K:   {new(0.563722), new(0.337961)},
}
