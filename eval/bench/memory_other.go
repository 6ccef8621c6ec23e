//go:build !linux && !darwin

package bench

// PeakMemory is not known on this system without further libraries: 0.
func PeakMemory() int64 { return 0 }

// ForgetPeakMemory would make PeakMemory begin anew; it cannot here.
func ForgetPeakMemory() bool { return false }
