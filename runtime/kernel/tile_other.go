//go:build !(amd64 && gc && !noasm && !purego)

package kernel

func nativeTiers() []*tier { return nil }
