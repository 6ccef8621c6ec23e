// Package gate judges models: it reads a policy, decides from a report which of its gates hold, and says what a CI
// step exits with. docs/policy.md describes the policy file; default.yaml is the one that is built in.
//
// # Verdicts
//
// A gate bounds a figure, and a figure measured on some text is uncertain. A gate passes when the one-sided confidence
// limit is on the right side of the bound, fails when the figure is shown to be on the wrong side, and is inconclusive
// between the two. With confidence 0.95, alpha = 0.05, whatever the true figure is:
//
//   - False pass. The policy passes although the true figure of some gate violates its bound: at most alpha. All gates
//     must pass, so the one that should not have is one test at alpha; no correction is needed.
//   - False fail. The policy fails although all true figures hold: at most alpha for all gates of the level "error"
//     together, by Holm's correction over them.
//   - Scope worst_slice. Limits are simultaneous over the slices (Bonferroni: alpha over their number). The gate passes
//     when all slices do and fails when one does.
//   - Looks. Data is looked at up to K times, more tokens each time, and judging may stop at any of them. Each look
//     spends alpha/K. Proof: a wrong verdict in the end is a wrong verdict at the look that was the last; the chance
//     that any of K looks, each made by itself with level alpha/K, is wrong is at most the sum of K times alpha/K
//     (Boole), whatever the rule that chooses when to stop and however the looks depend on each other.
//
// simulate_test.go measures these rates.
package gate
