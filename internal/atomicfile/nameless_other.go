//go:build !linux

package atomicfile

import (
	"errors"
	"os"
)

// openNameless gives nil: only Linux has files without names.
func openNameless(string, string) *os.File { return nil }

func descriptor(*os.File) string { return "" }

func linkNameless(*os.File, string) error { return errors.ErrUnsupported }

func linkTemporary(*os.File, string) (string, error) { return "", errors.ErrUnsupported }
