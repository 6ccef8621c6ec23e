package bench

import "strings"

// Result is what a measurement of one model's speed and memory gives.
type Result struct {
	Model   string `json:"model,omitempty"`
	Threads int    `json:"threads"`
	CPU     string `json:"cpu,omitempty"`
	// Compute and KVType say how it was computed: exact or fast, and the type of the key-value cache.
	Compute     string `json:"compute,omitempty"`
	KVType      string `json:"kv_type,omitempty"`
	WeightBytes int64  `json:"weight_bytes"` // read for every decoded token
	// MultiplyAdds are those of weights for one token; like WeightBytes they depend on shapes only.
	MultiplyAdds int64 `json:"multiply_adds"`
	// ReadBandwidth is the bytes a second that memory gave to as many threads in the same run; 0
	// where it was not measured.
	ReadBandwidth float64 `json:"read_bandwidth,omitempty"`
	// Load is the time from opening the file to the first token's logits; nil where it was not measured.
	Load  *Load  `json:"load,omitempty"`
	Tests []Test `json:"results"`
	// PeakMemory is the most memory this process has had resident, mapped weights included; 0 when unknown.
	PeakMemory   int64 `json:"peak_memory_bytes"`
	MappedBytes  int64 `json:"mapped_bytes"`
	SessionBytes int64 `json:"session_bytes"` // KV cache and buffers
	// Energy is nil where no counter is readable.
	Energy *Energy `json:"energy,omitempty"`
	// Noise is nil when no A/A check was asked for.
	Noise *Noise `json:"noise,omitempty"`
}

// Load times in seconds: cold, after the file's pages were dropped where the system allows that (0 where it does
// not), and warm.
type Load struct {
	Cold float64 `json:"cold_seconds"`
	Warm float64 `json:"warm_seconds"`
	// Note says why there is no cold figure.
	Note string `json:"note,omitempty"`
}

// Test is one of the timings: "pp512" is a prompt of 512 tokens, "tg128" 128 tokens decoded one by one,
// "pp512+tg128" both in turn; "@b64" behind it says how many tokens of the prompt were
// evaluated at once, "@d1024" how many the KV cache held beforehand.
type Test struct {
	Name            string `json:"test"`
	Tokens          int    `json:"tokens"`
	Depth           int    `json:"depth"`
	Batch           int    `json:"batch,omitempty"` // tokens of the prompt a call; 0 for all
	TokensPerSecond Spread `json:"tokens_per_second"`
	// BytesPerSecond is the rate at which decoding reads weights; 0 when there is a prompt.
	BytesPerSecond float64 `json:"bytes_per_second"`
	// FirstToken is, where there is a prompt, the time to the first token's logits, in seconds.
	FirstToken *Quantiles `json:"time_to_first_token,omitempty"`
	// InterToken is, where tokens are decoded, the time of one token, in seconds, over all tokens of all repetitions.
	InterToken *Quantiles `json:"inter_token,omitempty"`
	// Samples are the tokens per second of each repetition, in order.
	Samples []float64 `json:"samples"`
}

// Computation is Compute and KVType, as far as they are known: "fast, F16".
func (r *Result) Computation() string {
	return strings.Trim(r.Compute+", "+r.KVType, ", ")
}

// ReadShare is what decoding in test t read of memory's bandwidth, 0 where one of them is not known.
func (r *Result) ReadShare(t Test) float64 {
	if r.ReadBandwidth <= 0 {
		return 0
	}
	return t.BytesPerSecond / r.ReadBandwidth
}

// Spread holds the extremes and the median of repetitions.
type Spread struct {
	Median float64 `json:"median"`
	Min    float64 `json:"min"`
	Max    float64 `json:"max"`
}

// Relative is the distance of the extremes as a share of the median: how far repetitions lie apart.
func (s Spread) Relative() float64 {
	if s.Median <= 0 {
		return 0
	}
	return (s.Max - s.Min) / s.Median
}

// Quantiles of times in seconds.
type Quantiles struct {
	P50 float64 `json:"p50"`
	P95 float64 `json:"p95"`
	P99 float64 `json:"p99"`
	Max float64 `json:"max"`
}

// Energy of decoding, from the package counters of RAPL.
type Energy struct {
	JoulesPerToken     float64 `json:"joules_per_token"`          // all of it
	IdleJoulesPerToken float64 `json:"joules_per_token_net_idle"` // less what the idle machine takes in the same time
	IdleWatts          float64 `json:"idle_watts"`
}

// Noise is what comparing turn by turn (A B B A) gives. In an A/A check the same model was measured as if it were two.
type Noise struct {
	Rounds int `json:"rounds"`
	// Ratio is the median of the rounds' B/A rates, with its 95 % bootstrap interval; 1 for the same speed.
	Ratio float64 `json:"ratio"`
	Low   float64 `json:"low"`
	High  float64 `json:"high"`
	// Spread is the largest distance of the interval from 1: no difference below it can be judged here.
	Spread float64 `json:"spread"`
}
