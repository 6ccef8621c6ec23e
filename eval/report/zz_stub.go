package report

import "io"

func HTML(io.Writer,*Report) error {return nil}
func SVG(io.Writer,*Report) error {return nil}
func CSV(io.Writer,*Report) error {return nil}
func JUnit(io.Writer,*Report) error {return nil}
func Card(io.Writer,*Report) error {return nil}
