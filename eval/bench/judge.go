package bench

// Verdict of Judge.
type Verdict string

// Verdicts.
const (
	NotSlower    Verdict = "not slower"   // shown to be slower by no more than the margin
	TooSlow      Verdict = "too slow"     // shown to be slower by more than the margin
	Inconclusive Verdict = "inconclusive" // more rounds may decide
	TooNoisy     Verdict = "too noisy"    // the machine cannot tell: even one model differs from itself by more
)

// Judge says whether B is slower than A by more than margin, a share such as 0.1, from their ratio of rates and
// from the A/A check of the same run. The intervals' limits are those of 97.5 % one-sided confidence. An A/A
// check that is wider than the margin refuses to judge.
func Judge(ab, aa Noise, margin float64) Verdict {
	bound := 1 - margin
	switch {
	case !(aa.Spread <= margin): // NaN, too
		return TooNoisy
	case ab.Low >= bound:
		return NotSlower
	case ab.High < bound:
		return TooSlow
	}
	return Inconclusive
}
