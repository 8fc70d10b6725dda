package isolate

import "runtime/debug"

// enginePath is the module that makes the containers; see SECURITY.md about its advisories.
const enginePath = "github.com/opencontainers/runc"

// engine is the version of libcontainer that this program was built with.
func engine() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	for _, m := range info.Deps {
		if m.Path == enginePath {
			if m.Replace != nil {
				return m.Replace.Version + " (replaced)"
			}
			return m.Version
		}
	}
	return "unknown"
}
