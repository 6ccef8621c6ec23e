package hessian

import (
	"cmp"
	"errors"
	"slices"
)

// Factor is a second-moment matrix made ready for rounding: regularized, its columns in the order in which they are rounded.
type Factor struct {
	Cols  int
	Order []int // the column that comes first, second, ...
	// H is the regularized matrix, Cols x Cols row-major, symmetric, in that order.
	H []float32
	// Feedback is strictly lower triangular, Cols x Cols row-major: the errors that were made in the columns i before column k
	// ask for a change of its weight by -sum(Feedback[k,i]*error[i]). It is the transpose of M in H = (M+I)*D*transpose(M+I),
	// M strictly upper triangular.
	Feedback []float32
	// D is the diagonal of that: for errors e in that order e*H*transpose(e) is the sum over k of
	// D[k]*(e[k] + sum(Feedback[k,i]*e[i]))^2.
	D []float32
	// Gain is the share of the squared error that feedback leaves when rounding errors are as large as they would be
	// without: the sum of D divided by that of H's diagonal.
	Gain float64
}

// ErrSingular says that a matrix is not positive definite although it was regularized.
var ErrSingular = errors.New("the second moments are not positive definite: more shrinkage or more calibration text is needed")

// damping times the mean of the diagonal is added to it.
const damping = 1e-3

// Factor regularizes H and factors it. Off-diagonal elements shrink by the factor 1-shrinkage (Ledoit and Wolf, 2004, towards
// the diagonal), and columns without any activation get the mean moment. The order is by falling moments, so that the errors
// of the columns that matter most are made good by most others (act-order of GPTQ, Frantar et al., 2023); the factors are
// those of LDLQ (QuIP, Chee et al., 2023). Each group of so many columns, of which Cols is a multiple,
// stays together and comes by the sum of its moments.
func (m *Moments) Factor(shrinkage float64, group int) (*Factor, error) {
	n := m.Cols
	var mean float64
	for i := range n {
		mean += m.At(i, i)
	}
	if mean /= float64(n); mean == 0 {
		return nil, ErrSingular
	}
	f := &Factor{Cols: n, Order: m.order(group), H: make([]float32, n*n), Feedback: make([]float32, n*n), D: make([]float32, n)}
	var trace float64
	for i, a := range f.Order {
		for j, b := range f.Order[:i] {
			v := float32(m.At(a, b) * (1 - shrinkage))
			f.H[i*n+j], f.H[j*n+i] = v, v
		}
		d := m.At(a, a)
		if d == 0 {
			d = mean
		}
		d += damping * mean
		f.H[i*n+i] = float32(d)
		trace += d
	}
	left, err := f.factor(m.product)
	f.Gain = left / trace
	return f, err
}

// order lists the columns, in groups, by falling moments.
func (m *Moments) order(group int) []int {
	groups, sums := make([]int, m.Cols/group), make([]float64, m.Cols/group)
	for i := range groups {
		groups[i] = i
		for k := range group {
			sums[i] += m.At(i*group+k, i*group+k)
		}
	}
	slices.SortStableFunc(groups, func(a, b int) int { return cmp.Compare(sums[b], sums[a]) })
	order := make([]int, 0, m.Cols)
	for _, i := range groups {
		for k := range group {
			order = append(order, i*group+k)
		}
	}
	return order
}

// panel is the number of columns that are factored before the others hear of them.
const panel = 64

// factor sets Feedback and D, from the last columns to the first, and returns the sum of D. The matrix of what is left of H lies
// in the lower triangle of Feedback, whose rows become those of the transpose of M one panel after the other.
func (f *Factor) factor(product Products) (sum float64, err error) {
	n := f.Cols
	a := f.Feedback
	copy(a, f.H)
	d := make([]float64, panel)
	var scaled, plain, change []float32
	for end := n; end > 0; {
		first := (end - 1) / panel * panel
		// Within the panel: row k, divided by its diagonal, leaves the rows above it.
		for k := end - 1; k >= first; k-- {
			row := a[k*n:][:k+1]
			pivot := float64(row[k])
			if !(pivot > 0) {
				return 0, ErrSingular
			}
			sum += pivot
			d[k-first], f.D[k] = pivot, float32(pivot)
			for j := range row {
				row[j] = float32(float64(row[j]) / pivot)
			}
			for i := first; i < k; i++ {
				r := float32(float64(row[i]) * pivot)
				above := a[i*n:][:i+1]
				for j, v := range row[:i+1] {
					above[j] -= float32(r * v)
				}
			}
		}
		// The rest: a[i,j] -= sum over the panel's rows of row[i]*d*row[j], for j <= i < first.
		if rows := end - first; first > 0 {
			scaled, plain = room(scaled, first*rows), room(plain, first*rows)
			for k := range rows {
				for i, v := range a[(first+k)*n:][:first] {
					plain[i*rows+k], scaled[i*rows+k] = v, float32(float64(v)*d[k])
				}
			}
			for i := 0; i < first; i += band {
				height := min(band, first-i)
				width := i + height
				change = room(change, height*width)
				product(change, scaled[i*rows:], plain, height, width, rows)
				for r := range height {
					above := a[(i+r)*n:][:i+r+1]
					for j, v := range change[r*width:][:len(above)] {
						above[j] -= v
					}
				}
			}
		}
		end = first
	}
	for k := range n {
		clear(a[k*n+k : (k+1)*n])
	}
	return sum, nil
}
