package runner

import (
	"fmt"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/loadlock/loadlock/policy"
)

// environAllowed are the names that pass from the caller to the command: how output looks, how many
// threads run, which devices are used. Nothing that names a file to load or a host to talk to.
var environAllowed = []string{
	"LANG", "LANGUAGE", "LC_*", "TZ", "TERM", "COLORTERM", "COLUMNS", "LINES", "NO_COLOR", "FORCE_COLOR",
	"PYTHONUNBUFFERED", "PYTHONHASHSEED", "PYTHONIOENCODING", "PYTHONUTF8",
	"OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMEXPR_NUM_THREADS", "TOKENIZERS_PARALLELISM",
	"CUDA_VISIBLE_DEVICES",
}

// environFixed is set whatever the caller has; --env may change it.
var environFixed = []string{
	"HOME=/tmp", // the box's own, empty
	"TMPDIR=/tmp",
	"XDG_CACHE_HOME=/tmp/.cache",
	"LOADLOCK=1",
	"PATH=/usr/local/bin:/usr/bin:/bin",
	"PYTHONDONTWRITEBYTECODE=1", // every installation inside is read-only
	"PYTHONNOUSERSITE=1",
	"USER=loadlock",
}

// environOffline is set where there is no network: a library that finds none in the middle of a load retries for minutes.
var environOffline = []string{"HF_DATASETS_OFFLINE=1", "HF_HUB_OFFLINE=1", "TRANSFORMERS_OFFLINE=1"}

// environSecret are names that no allow-list passes, in upper case: credentials, ways to an agent or a
// proxy, and what makes an interpreter load something before the command.
var environSecret = []string{
	"*TOKEN", "*TOKEN_*", "*_TOKENS", "*SECRET*", "*PASSW*", "*_PASS", "*_PWD", "*KEY", "*KEY_*", "*KEYS", "*CREDENTIAL*", "*AUTH*",
	"*COOKIE*", "*_DSN", "DATABASE_URL", "AWS_*", "AZURE_*", "GOOGLE_*", "GCP_*", "KUBE*", "DOCKER_*", "VAULT_*", "*_PROXY",
	"SSH_*", "GPG_*", "DBUS_*", "XDG_RUNTIME_DIR", "LD_*", "GLIBC_TUNABLES", "GCONV_PATH", "LOCPATH", "GODEBUG",
	"PYTHONPATH", "PYTHONSTARTUP", "PYTHONHOME", "PYTHONINSPECT", "PYTHONBREAKPOINT", "PYTHONPYCACHEPREFIX",
	"BASH_ENV", "BASH_FUNC_*", "ENV", "PERL5*", "RUBYOPT", "RUBYLIB", "NODE_*", "JAVA_TOOL_OPTIONS",
}

// environRefused are names that not even --env sets, and why.
var environRefused = []struct{ name, why string }{
	{"LD_*", loads}, {"GLIBC_TUNABLES", loads}, {"_LIBCONTAINER_*", loads}, // the box's first program among them
	{"CUDA_INJECTION64_PATH", "it names a library that the GPU's driver loads into every program"},
	{"CUDA_MPS_*", "it leads to a server that other programs on this host share (MPS)"},
	{"NVIDIA_*", "--gpu says which GPU exists inside"}, // NVIDIA_VISIBLE_DEVICES, NVIDIA_DRIVER_CAPABILITIES …
}

const loads = "it changes what every program inside loads"

// refusedName says why --env cannot set a name, or "".
func refusedName(name string) string {
	for _, r := range environRefused {
		if matches([]string{r.name}, strings.ToUpper(name)) {
			return r.why
		}
	}
	return ""
}

// Environ makes the environment of the command: the caller's variables whose names allow lists ("LC_*"
// is a prefix) and that are not secret, what is always set, and extra ("K=V" sets, "K" passes the
// caller's, nothing when it has none). The result is sorted and has each name once. No allow, no caller.
func Environ(allow []string, caller []string, extra []string) ([]string, error) {
	have := environMap(caller)
	out := map[string]string{}
	for name, value := range have {
		if matches(allow, name) && !matches(environSecret, strings.ToUpper(name)) && validName(name) {
			out[name] = value
		}
	}
	for _, kv := range environFixed {
		name, value, _ := strings.Cut(kv, "=")
		out[name] = value
	}
	for _, kv := range extra {
		name, value, set := strings.Cut(kv, "=")
		switch {
		case !validName(name):
			return nil, fmt.Errorf("--env %q: not a name of letters, digits and _", name)
		case refusedName(name) != "":
			return nil, fmt.Errorf("--env %s: refused, %s", name, refusedName(name))
		case strings.ContainsRune(value, 0):
			return nil, fmt.Errorf("--env %s: the value contains a NUL byte", name)
		case set:
			out[name] = value
		default:
			if value, ok := have[name]; ok {
				out[name] = value
			}
		}
	}
	list := make([]string, 0, len(out))
	for name, value := range out {
		list = append(list, name+"="+value)
	}
	slices.Sort(list)
	return list, nil
}

// environMap reads an environment; of a repeated name the first counts, as for getenv.
func environMap(environ []string) map[string]string {
	out := map[string]string{}
	for _, kv := range environ {
		name, value, ok := strings.Cut(kv, "=")
		if _, repeated := out[name]; ok && name != "" && !repeated && !strings.ContainsRune(value, 0) {
			out[name] = value
		}
	}
	return out
}

func matches(patterns []string, name string) bool {
	return slices.ContainsFunc(patterns, func(p string) bool {
		ok, err := path.Match(p, name)
		return err == nil && ok
	})
}

// validName is a name that a shell can set (POSIX, XBD 8.1).
func validName(name string) bool {
	for i, r := range name {
		letter := r == '_' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z'
		if !letter && (i == 0 || r < '0' || r > '9') {
			return false
		}
	}
	return name != ""
}

// environ is the environment for what was found.
func (f *finder) environ() ([]string, error) {
	extra := append([]string{"PATH=" + f.search()}, proxyVariables(f.in.Network)...)
	if f.in.Network == policy.NetworkNone {
		extra = append(extra, environOffline...)
	}
	for name, folder := range map[string]string{"VIRTUAL_ENV": f.venv, "CONDA_PREFIX": f.conda} {
		if v := f.env[name]; folder != "" && filepath.IsAbs(v) {
			if w, err := f.walk(v); err == nil && w.real == folder {
				extra = append(extra, name+"="+folder)
			}
		}
	}
	return Environ(environAllowed, f.in.Env, append(extra, f.in.Vars...))
}

// search is the caller's PATH without the folders that do not exist inside.
func (f *finder) search() string {
	var out []string
	for _, folder := range append([]string{f.first}, strings.Split(f.env["PATH"], ":")...) {
		if !filepath.IsAbs(folder) || strings.ContainsRune(folder, ':') {
			continue
		}
		w, err := f.walk(folder)
		if err != nil || !f.isDir(w.real) || !f.visible(w.real, true) {
			continue
		}
		if _, same := f.found.Symlinks[folder]; !same && len(w.links) > 0 {
			folder = w.real
		}
		if !slices.Contains(out, folder) {
			out = append(out, folder)
		}
	}
	if len(out) == 0 {
		return "/usr/local/bin:/usr/bin:/bin"
	}
	return strings.Join(out, ":")
}
