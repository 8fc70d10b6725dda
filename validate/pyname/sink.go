package pyname

import (
	"slices"
	"strings"

	"github.com/loadlock/loadlock/validate/lazyre"
)

// sinks are functions by which a name in a configuration does harm whoever calls it, by their last part. They count
// below a harmful module only (names.txt).
var sinks = strings.Fields(`system popen Popen call run check_call check_output getoutput getstatusoutput eval exec compile __import__ import_module load loads
	getattr setattr delattr open globals locals execl execle execlp execlpe execv execve execvp execvpe spawn spawnl spawnle spawnlp spawnlpe spawnv spawnve spawnvp spawnvpe
	posix_spawn posix_spawnp fork forkpty startfile remove unlink rmdir removedirs rename replace chmod chown putenv kill killpg rmtree move copyfile copytree copy copy2 unpack_archive
	run_path run_module run_code runcode runsource runctx interact urlopen urlretrieve urlcleanup create_connection socket CDLL PyDLL WinDLL LoadLibrary cdll resolve_name get_loader
	find_loader methodcaller attrgetter Unpickler Process Pool Thread Timer main pipepager tempfilepager locate timeit repeat connect FTP SMTP mmap dlopen`)

// Sink reports whether a text is, by itself, the dotted name of a function that runs programs or code, or reaches files
// or the network. It is narrower than Harmful, for texts that stand under any key: file names, hosts and names of
// harmless functions are no sinks.
func Sink(text string) bool {
	text = strings.ReplaceAll(strings.TrimSpace(text), ":", ".")
	if len(text) > maxName || !strings.Contains(text, ".") {
		return false
	}
	parts := strings.Split(text, ".")
	for _, part := range parts {
		if !identifier(part) {
			return false
		}
	}
	last := parts[len(parts)-1]
	for _, part := range parts[:len(parts)-1] {
		if list().harmful[part] {
			for _, s := range sinks {
				if last == s {
					return true
				}
			}
			return false
		}
	}
	return false
}

// pairs are functions that do harm, by module, for texts that stand apart.
var pairs = map[string][]string{
	"os":         strings.Fields("system popen execl execle execlp execv execve execvp execvpe spawnl spawnle spawnlp spawnv spawnve spawnvp posix_spawn posix_spawnp startfile unlink rmdir removedirs putenv"),
	"subprocess": strings.Fields("Popen call run check_call check_output getoutput getstatusoutput"),
	"builtins":   strings.Fields("eval exec compile __import__ open getattr setattr"),
	"importlib":  {"import_module"}, "runpy": {"run_path", "run_module"}, "pty": {"spawn"}, "shutil": {"rmtree"}, "ctypes": {"CDLL"}, "commands": {"getoutput"}, "pickle": {"load", "loads"}, "dill": {"loads"},
	"cloudpickle": {"loads"}, "marshal": {"loads"}, "code": {"interact"}, "webbrowser": {"open"},
}

// Pair reports whether two texts are a module and a function of it that does harm.
func Pair(module, member string) bool {
	switch module {
	case "posix", "nt":
		module = "os"
	case "__builtin__", "__builtins__":
		module = "builtins"
	}
	return slices.Contains(pairs[module], member)
}

func identifier(s string) bool { return s != "" && plain(strings.TrimLeft(s, "_")+"x") }

// maxExpression bounds what is looked at: expressions in configurations are short, and programs in data are long.
const maxExpression = 1024

var (
	// What only code that means harm writes on one line: the import function, and walks to what all classes know.
	internals = lazyre.New(`__import__\s*\(|\.\s*__(subclasses|globals|builtins|mro|bases?)__\b|\b__builtins__\b`)
	// A call of a function that runs programs or code, or changes files.
	harms = lazyre.New(`\b(os|posix|nt)\s*\.\s*(system|popen|exec\w*|spawn\w*|posix_spawn\w*|fork|forkpty|remove|unlink|startfile|putenv|kill)\s*\(|\b(subprocess|pty|commands|runpy|importlib|pickle|marshal|ctypes)\s*\.\s*\w+\s*\(|\bshutil\s*\.\s*(rmtree|move|copy\w*)\s*\(|(^|[^.\w])(eval|exec)\s*\(`)
)

// Expression reports whether a text is Python that, when some library evaluates it, leads out: it is short, and it
// imports or walks to internals, or it is marked as an expression ("$…" of MONAI, "${eval:…}" of OmegaConf, "lambda …")
// and calls what runs programs or code.
func Expression(text string) bool {
	if len(text) > maxExpression || !strings.ContainsAny(text, "(.") {
		return false
	}
	if internals.MatchString(text) {
		return true
	}
	t := strings.TrimSpace(text)
	marked := strings.HasPrefix(t, "$") || strings.HasPrefix(t, "lambda") || strings.HasPrefix(t, "eval:") || strings.Contains(t, "${eval:")
	return marked && harms.MatchString(t)
}
