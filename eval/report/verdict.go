package report

// Verdicts of gates and of the whole.
const (
	Pass         = "pass"
	Fail         = "fail"
	Inconclusive = "inconclusive"
	Skipped      = "skipped" // could not be measured
)

// Levels of a gate.
const (
	Error = "error" // decides the exit code
	Warn  = "warn"  // is told only
)

// Gate is the judgement of a policy.
type Gate struct {
	Verdict string `json:"verdict"`
	// ExitCode is what `carat gate` exits with for this verdict.
	ExitCode     int    `json:"exit_code"`
	Policy       string `json:"policy"` // the base name; "default" for the built-in one
	PolicySHA256 string `json:"policy_sha256"`
	Candidate    string `json:"candidate"` // the candidate that was judged
	Profile      string `json:"profile,omitempty"`
	Tokens       int    `json:"tokens"` // scored
	MaxTokens    int    `json:"max_tokens"`
	Looks        int    `json:"looks"` // times judged, more tokens each time
	// Cached says that this is a stored verdict: nothing had changed.
	Cached  bool     `json:"cached"`
	Gates   []Result `json:"gates"`
	Waivers []Waiver `json:"waivers,omitempty"`
}

// Result is one gate's. A gate of the scope worst_slice has the slice that decided in Slice.
type Result struct {
	ID     string `json:"id"`
	Metric string `json:"metric"`
	Scope  string `json:"scope"` // "all", "worst_slice" or "slice:NAME"
	Slice  string `json:"slice,omitempty"`
	Op     string `json:"op"` // "<=" or ">="
	// Limit is what Value must hold; for gates against a baseline or control both are relative differences.
	Limit float64 `json:"limit"`
	Value float64 `json:"value"`
	// Infinite says that the value is, for which JSON has no number; Value is 0 then.
	Infinite bool `json:"infinite,omitempty"`
	// Lower and Upper are the one-sided limits at Confidence; nil where there are none.
	Lower      *float64 `json:"lower,omitempty"`
	Upper      *float64 `json:"upper,omitempty"`
	Confidence float64  `json:"confidence"`
	Versus     string   `json:"vs,omitempty"` // "baseline" or "control"
	// Other is the other side's figure, for gates that have one.
	Other   *float64 `json:"other,omitempty"`
	Paired  bool     `json:"paired,omitempty"`
	Level   string   `json:"level"`
	Verdict string   `json:"verdict"`
	// PFail is Holm's adjusted p-value of having failed.
	PFail   *float64 `json:"p_fail,omitempty"`
	Message string   `json:"message"`
	Line    int      `json:"line,omitempty"` // in the policy
	Waived  bool     `json:"waived,omitempty"`
}

// Waiver lets a gate fail for a time.
type Waiver struct {
	Gate    string `json:"gate"`
	Until   string `json:"until"` // date, 2026-12-31
	Reason  string `json:"reason"`
	Expired bool   `json:"expired,omitempty"`
}

// Finding is a structural fault of a model: something is missing or does not agree.
type Finding struct {
	Rule    string `json:"rule"`  // "chat-template-missing", "tokenizer-mismatch", "tensor-zero", ...
	Level   string `json:"level"` // Error or Warn
	Model   string `json:"model"`
	Tensor  string `json:"tensor,omitempty"`
	Key     string `json:"key,omitempty"`
	Message string `json:"message"`
}
