// Package buildinfo tells which build of carat is running.
package buildinfo

import (
	"runtime/debug"
	"strings"
)

// version is set by release builds with -ldflags "-X ...buildinfo.version=v1.2.3".
var version = ""

// Version is the release, or the module version or commit that the Go toolchain stamped in.
func Version() string {
	if version != "" {
		return version
	}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "devel"
	}
	if v := info.Main.Version; v != "" && v != "(devel)" {
		return v
	}
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" && len(s.Value) >= 12 {
			return "devel-" + strings.ToLower(s.Value[:12])
		}
	}
	return "devel"
}
