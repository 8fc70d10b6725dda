package runner

import (
	"path/filepath"
	"strings"

	"github.com/loadlock/loadlock/policy"
)

// mergedFolders are links into /usr on current distributions and folders of their own on older ones
// (systemd.io/THE_CASE_FOR_THE_USR_MERGE); the loader's path in every program needs them either way.
var mergedFolders = []string{"/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32"}

// systemFiles is all that is visible of /etc: what the loader, the time zone and an interpreter's start
// need. Accounts and name service are the box's own; certificates are useless without a network.
var systemFiles = []string{
	"/etc/alternatives", "/etc/ld.so.cache", "/etc/ld.so.conf", "/etc/ld.so.conf.d", "/etc/localtime", "/etc/mime.types",
}

// certificates are the public ones that TLS needs, where there is a network; never /etc/ssl/private. Those of Debian are
// links into /usr.
var certificates = []string{
	"/etc/ssl/certs", "/etc/ssl/cert.pem", "/etc/ssl/openssl.cnf", "/etc/pki/tls/certs", "/etc/pki/tls/cert.pem", "/etc/pki/ca-trust/extracted",
}

// systemPrefixes are beginnings of names in /etc: Debian keeps sitecustomize.py in /etc/python3.11.
var systemPrefixes = []string{"python3", "pypy3"}

// stores are folders whose programs and libraries refer to each other by absolute path.
var stores = []string{"/nix/store", "/gnu/store"}

// system binds the part of the host that every program needs.
func (f *finder) system() {
	f.bindSystem("/usr", true, "system")
	for _, folder := range mergedFolders {
		f.bindSystem(folder, true, "system")
	}
	for _, file := range systemFiles {
		f.bindSystem(file, false, "system settings")
	}
	if f.in.Network != policy.NetworkNone {
		for _, file := range certificates {
			f.bindSystem(file, false, "certificates")
		}
	}
	list, err := f.entries("/etc")
	if err != nil {
		return // nothing of it is visible then
	}
	for _, e := range list {
		for _, prefix := range systemPrefixes {
			if strings.HasPrefix(e.Name(), prefix) {
				f.bindSystem(filepath.Join("/etc", e.Name()), false, "system settings")
			}
		}
	}
}

// bindSystem binds p when it exists. When it is a link to something visible the link is enough. A
// setting that is a link to anything else (into /etc/static, say) becomes a bind at p itself.
func (f *finder) bindSystem(p string, exec bool, why string) {
	w, err := f.walk(p)
	switch {
	case err != nil:
	case w.real == p:
		f.bind(p, exec, why)
	case f.visible(w.real, exec):
		f.reveal(w)
	case exec:
		f.reveal(w)
		f.bind(w.real, exec, why)
	default:
		f.found.Binds = append(f.found.Binds, Bind{Source: w.real, Target: p, Exec: exec, Why: why})
	}
}

// broadFolders hold the affairs of more than one program: a script in one of them is shown alone.
var broadFolders = []string{
	"/", "/home", "/media", "/mnt", "/opt", "/root", "/srv", "/tmp", "/usr", "/var", "/var/lib", "/var/tmp",
}

// broadTrees hold secrets, sockets or the kernel's own files at any depth.
var broadTrees = []string{"/boot", "/dev", "/etc", "/proc", "/run", "/sys", "/var/run", "/var/lib/docker", "/var/spool"}

// broadAtHome are folders of the home folder that many programs share.
var broadAtHome = []string{"", ".cache", ".config", ".local", ".local/share"}

// broad says why a folder is more than one program's, in words that follow "it is"; empty when it is not.
func (f *finder) broad(folder string) string {
	for _, home := range f.home {
		if within(home, folder) {
			return "the home folder or above it"
		}
		for _, name := range broadAtHome {
			if folder == filepath.Join(home, name) {
				return "shared by many programs"
			}
		}
	}
	for _, b := range broadFolders {
		if folder == b {
			return "shared by many programs"
		}
	}
	for _, b := range broadTrees {
		if within(folder, b) {
			return "part of " + b
		}
	}
	if filepath.Dir(folder) == "/home" {
		return "a home folder"
	}
	return ""
}

// hostSettings notes what the caller's Python would see and the one inside will not.
func (f *finder) hostSettings(l launch) {
	if f.env["PYTHONPATH"] != "" {
		f.note("PYTHONPATH is not passed on and its folders are not visible; --ro and --env PYTHONPATH bring them back")
	}
	if familyOf(l.found.real) != &families[0] || f.venv != "" || len(f.home) == 0 {
		return
	}
	list, err := f.entries(filepath.Join(f.home[0], ".local/lib"))
	if err != nil {
		return
	}
	for _, e := range list {
		if packages := filepath.Join(f.home[0], ".local/lib", e.Name(), "site-packages"); f.isDir(packages) &&
			strings.HasPrefix(filepath.Base(l.found.real), e.Name()) {
			f.note("packages installed with pip --user (%q) are not visible; use a virtual environment", packages)
		}
	}
}
