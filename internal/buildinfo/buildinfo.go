// Package buildinfo tells which build of carat is running.
package buildinfo

import (
	_ "embed"
	"runtime/debug"
	"strings"
)

// version is set by release builds with -ldflags "-X ...buildinfo.version=v0.1.0".
var version = ""

// release is the one place where the number of a release stands; a tag of another name is not released.
//
//go:embed VERSION
var release string

// Release is the tag of the release that this source is, or becomes: "v0.1.0".
func Release() string { return "v" + strings.TrimSpace(release) }

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
