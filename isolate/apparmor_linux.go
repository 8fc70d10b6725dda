package isolate

import (
	_ "embed"
	"os"
	"strings"
)

// apparmorProfile is what Ubuntu 23.10 and later want before a program may make user namespaces (its release notes:
// "Restricted unprivileged user namespaces"). It confines nothing: loadlock confines.
//
//go:embed loadlock.apparmor
var apparmorProfile string

// packagedPath is where make install puts the program by default, and the path in the packaged profile.
const packagedPath = "/usr/local/bin/loadlock"

// AppArmorProfile is the profile for a program at path.
func AppArmorProfile(path string) string {
	if strings.ContainsAny(path, ` "\[]{}*?^@`) { // characters of AppArmor's patterns, apparmor.d(5)
		path = `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, `[`, `\[`, `]`, `\]`, `{`, `\{`, `}`, `\}`, `*`, `\*`, `?`, `\?`, `^`, `\^`, `@`, `\@`).Replace(path) + `"`
	}
	return strings.ReplaceAll(apparmorProfile, packagedPath, path)
}

func appArmorCheck() Check {
	c := Check{Name: "AppArmor", Status: Fine, Detail: "does not restrict user namespaces here"}
	if setting("/proc/sys/kernel/apparmor_restrict_unprivileged_userns") != "1" {
		return c
	}
	if os.Geteuid() == 0 {
		c.Detail = "restricts user namespaces of ordinary users, not of root"
		return c
	}
	if TryNamespaces() == nil {
		c.Detail = "restricts user namespaces, and has a profile for this program"
		return c
	}
	path, err := os.Executable()
	if err != nil {
		path = packagedPath
	}
	c.Status, c.Detail = Warning, "restricts user namespaces of ordinary users, and has no profile for "+path
	c.Remedy = "as root, put this into /etc/apparmor.d/loadlock and run apparmor_parser -r /etc/apparmor.d/loadlock:\n" + AppArmorProfile(path)
	return c
}
