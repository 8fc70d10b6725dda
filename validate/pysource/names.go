package pysource

import (
	"strings"

	"github.com/loadlock/loadlock/validate/lazyre"
	"github.com/loadlock/loadlock/validate/pysource/syntax"
)

// walks are attributes that lead from any object to the interpreter's internals.
var walks = words(`__subclasses__ __globals__ __builtins__ f_globals f_builtins f_back f_locals gi_frame cr_frame ag_frame tb_frame __loader__ __import__ tb_next co_consts co_code __closure__ cell_contents func_globals
	__subclasshook__ func_code __init_subclass__ __build_class__`)

// soft walks are also used by ordinary code.
var softWalks = words("co_consts co_code __closure__ cell_contents tb_next f_locals tb_frame f_back __subclasses__ gi_frame")

// attributeName judges an attribute by its name alone, whatever it is taken of.
func (m *module) attributeName(name string, ctx syntax.Context, n syntax.Node, at place) {
	switch {
	case name == "__init_subclass__" || name == "__subclasshook__":
		return
	case softWalks[name]:
		if name == "__subclasses__" || name == "f_back" || name == "gi_frame" || name == "tb_frame" {
			m.say(introspect, "introspection", n, at, "attribute %s", name)
			return
		}
		m.say(unsettled, "introspection", n, at, "attribute %s", name)
	case walks[name]:
		m.say(introspect, "introspection", n, at, "attribute %s", name)
	case name == "__code__" && ctx != syntax.Load:
		m.say(patch, "execution", n, at, "replaces the code of a function")
	}
}

var (
	// a walk inside a text: a format string or a name for getattr
	walkText = lazyre.New(`__(globals|subclasses|builtins|import|loader)__|\b(f_globals|f_builtins|gi_frame|func_globals)\b`)
	// files that hold credentials
	credentialPath = lazyre.New(`(^|/|~)(\.ssh(/|$)|\.aws(/|$)|\.netrc$|\.git-credentials$|\.pypirc$|\.npmrc$|\.docker/config\.json|\.kube/config|\.gnupg(/|$)|\.config/gcloud|\.azure(/|$)|\.huggingface/token|\.cache/huggingface/(token|stored_tokens)|huggingface/token$|\.bash_history$|\.zsh_history$|\.python_history$|\.mozilla/|\.config/(google-chrome|chromium)|\.config/gh/hosts|\.vault-token|\.wandb|id_(rsa|ed25519|ecdsa|dsa)$|\.password-store)|^/etc/(passwd|shadow|sudoers|gshadow)|^/proc/(self|\d+|\?)/(environ|mem|maps|cmdline)|^/var/run/(docker\.sock|secrets)|^/run/secrets|^/root/|\.electrum|wallet\.dat$`)
	// files that other programs run
	startupPath = lazyre.New(`(^|/|~)(\.bashrc|\.bash_profile|\.bash_login|\.bash_logout|\.profile|\.zshrc|\.zshenv|\.zprofile|\.xinitrc|\.xprofile|\.config/(autostart|systemd|fish)|\.local/bin|\.pythonrc(\.py)?|\.ipython/|\.jupyter/|\.config/matplotlib|\.vimrc|\.gitconfig|\.git/hooks|\.ssh/authorized_keys)(/|$)|^/etc/(cron|init|profile|rc\.|systemd|ld\.so|bash|environment)|/cron(tab|\.d)|^/var/spool/cron|sitecustomize|usercustomize|/LaunchAgents/|/Startup/|authorized_keys|\.github/workflows/`)
	codeText    = lazyre.New(`\b(import (os|sys|subprocess|socket|ctypes|requests|urllib|pickle|base64|marshal|builtins)\b|from (os|sys|subprocess|socket|urllib|builtins)\b|os\.(system|popen|exec)|subprocess\.|exec ?\(|eval ?\(|__import__|/bin/(ba)?sh\b|curl |wget |powershell)`)
)

// assembledNames are names that nobody builds from pieces but to hide them.
var assembledNames = words(`os sys posix nt system popen Popen subprocess builtins __builtins__ __builtin__ __import__ __globals__ __subclasses__ eval exec execfile importlib import_module
	ctypes CDLL socket urlopen urlretrieve urllib urllib.request requests pickle marshal runpy run_path run_module spawn spawnv execv execve execvp fork check_output check_call os.system os.popen
	getoutput __class__ __base__ __bases__ __mro__ __dict__ __getattribute__ __code__ f_globals _getframe meta_path shutil rmtree pty codecs globals locals vars getattr setattr compile open
	environ getenv loads FunctionType CodeType dill cloudpickle __loader__ load_module settrace atexit`)

// judgeConstant judges a text that is written as it is.
func (m *module) judgeConstant(n *syntax.Constant, at place) {
	if n.Kind != syntax.Str && n.Kind != syntax.Bytes || m.docs[n] || len(n.Text) > 1<<16 {
		return
	}
	m.pathsIn(n.Text, n, at)
	if _, ok := at.parent.(*syntax.Expr); !ok {
		m.namesFunction(n.Text, n, at)
	}
	if n.Text == "()" {
		if _, ok := at.parent.(*syntax.Dict); ok {
			m.say(execution, "execution", n, at, "the key \"()\" of a logging configuration names a function to be called")
		}
	}
	if !strings.ContainsAny(n.Text, " \n") && walkText.MatchString(n.Text) {
		m.say(introspect, "introspection", n, at, "the text %s names a way to the interpreter's internals", quoted(n.Text))
	} else if strings.Contains(n.Text, "{") && walkText.MatchString(n.Text) {
		m.say(introspect, "introspection", n, at, "the format %s walks to the interpreter's internals", quoted(n.Text))
	}
}

func quoted(s string) string { return quote(clip(s, 60)) }

// pathsIn judges a text as the name of a file.
func (m *module) pathsIn(s string, n syntax.Node, at place) {
	if len(s) > 512 || strings.ContainsAny(s, " \n<>()") {
		return
	}
	switch {
	case credentialPath.MatchString(s):
		m.say(secrets, "environment", n, at, "the file %s holds credentials or accounts of the user", quoted(s))
	case startupPath.MatchString(s):
		m.say(persist, "persistence", n, at, "other programs run or obey the file %s", quoted(s))
	}
}

// judgeText judges a text that is assembled or decoded.
func (m *module) judgeText(n syntax.Expression, at place) {
	switch at.parent.(type) {
	case *syntax.BinOp, *syntax.JoinedStr, *syntax.FormattedValue:
		return // a part
	}
	m.partlyKnown(n, at)
	for _, a := range m.eval(n, at.scope, nil).atoms {
		if a.kind == isRef && a.text == "pathlib.Path()" && a.recv != nil {
			m.pathsIn(a.recv.text, n, at)
		}
		if !a.textual() || !a.built || len(a.text) < 2 {
			continue
		}
		switch {
		case assembledNames[a.text]:
			m.say(obfuscate, "obfuscation", n, at, "the name %q is assembled from pieces", a.text)
		case walkText.MatchString(a.text) && !strings.ContainsAny(a.text, " \n"):
			m.say(obfuscate, "obfuscation", n, at, "the name %s is assembled from pieces", quoted(a.text))
		case codeText.MatchString(clip(a.text, 1<<16)) && decodesText(n):
			m.say(obfuscate, "obfuscation", n, at, "code or a command is decoded: %s", quoted(a.text))
		}
		if a.kind == isStr {
			m.pathsIn(a.text, n, at)
		}
	}
}

// decodesText: the text comes out of a call, not of a message that is put together.
func decodesText(n syntax.Expression) bool {
	switch n.(type) {
	case *syntax.Call, *syntax.Subscript:
		return true
	}
	return false
}
