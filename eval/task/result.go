package task

// Result is how one model did on one task.
type Result struct {
	Task   string `json:"task"` // "hellaswag", "arc-easy", ...
	Data   string `json:"data"` // the base name of the file of items
	SHA256 string `json:"sha256"`
	Items  int    `json:"items"`
	// Total is the number of items in the file.
	Total int `json:"total"`
	// Partial says that the run was interrupted; all figures are of the items done until then.
	Partial bool `json:"partial,omitempty"`
	// Score is the share of items answered right, the figure that llama-perplexity prints.
	Score Accuracy `json:"score"`
	// Normalized is the share when answers are compared by log-probability per byte; nil where the task has no such figure.
	Normalized *Accuracy `json:"normalized,omitempty"`
	// Perplexity of the last words, for tasks that have it.
	Perplexity float64 `json:"perplexity,omitempty"`
	// Reference and Flips are there when a reference answered the same items.
	Reference *Accuracy `json:"reference,omitempty"`
	Flips     *Flips    `json:"flips,omitempty"`
	// Answers holds one letter an item, in the order they were asked: r right, w wrong.
	Answers string `json:"answers"`
	// ReferenceAnswers and ReferencePerplexity are the reference's.
	ReferenceAnswers    string  `json:"reference_answers,omitempty"`
	ReferencePerplexity float64 `json:"reference_perplexity,omitempty"`
}

// Accuracy is a share of items with its Wilson 95 % interval.
type Accuracy struct {
	Correct int     `json:"correct"`
	Value   float64 `json:"value"`
	Low     float64 `json:"low"`
	High    float64 `json:"high"`
}

// Flips are the items on which reference and candidate differ: accuracy hides them when they cancel out
// (Dutta et al., "Accuracy is not all you need", 2024).
type Flips struct {
	RightToWrong int `json:"right_to_wrong"`
	WrongToRight int `json:"wrong_to_right"`
	// Rate is the share of items that flipped either way.
	Rate float64 `json:"rate"`
	// P is the two-sided p-value of McNemar's exact test of equal accuracy.
	P float64 `json:"p"`
}
