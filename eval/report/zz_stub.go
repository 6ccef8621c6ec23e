package report

import "io"

func CSV(io.Writer, *Report) error   { return nil }
func JUnit(io.Writer, *Report) error { return nil }
func Card(io.Writer, *Report) error  { return nil }
