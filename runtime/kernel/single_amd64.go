//go:build amd64 && gc && !noasm && !purego

package kernel

// The wrappers multiply a panel with one column without a stage; they return false when there is no kernel for the format.

func singleAVX512(s *singleTile) bool { return s.with(singlesAVX512) }

func singleAVX2(s *singleTile) bool {
	if s.form.fast {
		s.form.add = bytesAdded(s.most, blockCols/s.form.sub)
	}
	return s.with(singlesAVX2)
}
