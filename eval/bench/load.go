package bench

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/carat-llm/carat/eval/stats"
)

// ErrNotDropped is returned where the page cache of a file cannot be dropped.
var ErrNotDropped = errors.New("the page cache cannot be dropped")

// warmLoads is the number of warm loads, of which the median counts.
const warmLoads = 3

// MeasureLoad times first, which opens the model, evaluates one token and closes everything again: once after drop,
// which is to take the files out of the page cache, then with them in it. The error of drop is no failure: there is
// then no cold figure, and Note says why. clock may be nil.
func MeasureLoad(first func() error, drop func() error, clock Clock) (*Load, error) {
	if clock == nil {
		clock = time.Now
	}
	timed := func() (float64, error) {
		start := clock()
		err := first()
		return clock().Sub(start).Seconds(), err
	}
	l := &Load{}
	if err := drop(); err != nil {
		l.Note = fmt.Sprintf("cold: not available: %v", err)
		if err := first(); err != nil { // so that the first warm one is
			return nil, err
		}
	} else if l.Cold, err = timed(); err != nil {
		return nil, err
	}
	warm := make([]float64, warmLoads)
	for i := range warm {
		var err error
		if warm[i], err = timed(); err != nil {
			return nil, err
		}
	}
	slices.Sort(warm)
	l.Warm = stats.Percentile(warm, 0.5)
	return l, nil
}
