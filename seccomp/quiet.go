package seccomp

// quiet are calls that every program tries and does without when they are answered, always, with ENOSYS: to tell
// about them would cost every thread something and nobody would be the wiser. They stay refused in the kernel.
var quiet = []struct{ name, why string }{
	{"clone3", "glibc tries it for every thread and process, and then takes clone"},
}

// usual are refused calls that ordinary programs make, measured (testdata/measured.txt), and go on without. They are
// told and counted, but nothing is wrong with a program that makes them.
var usual = map[string]string{
	"get_mempolicy": "libnuma asks when torch or numpy load it, and goes on without",
	"set_mempolicy": "libnuma asks when torch or numpy load it, and goes on without",
	"mbind":         "libnuma asks when torch or numpy load it, and goes on without",
	"sendfile":      "shutil and cp fall back to read and write",
	"fsetxattr":     "cp -a falls back to chmod",
	"timer_create":  "coreutils' timeout falls back to alarm",
}

// Usual says why a refused call is nothing to worry about; empty when it may be.
func Usual(call string) string { return usual[call] }
