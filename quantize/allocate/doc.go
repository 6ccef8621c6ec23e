// Package allocate chooses the types of a model's tensors under a budget of bytes.
//
// Each tensor has candidates, a type with its bytes and its cost: the divergence that the model is expected to show for it, which is a
// measured sensitivity of the tensor times the error of its output after the rounding that will be used. The choice of one candidate for each
// tensor with the least sum of costs within a budget is the multiple-choice knapsack problem, which [Solve] solves exactly.
package allocate
