package pysource

import (
	"strings"

	"github.com/loadlock/loadlock/validate/lazyre"
	"github.com/loadlock/loadlock/validate/pysource/syntax"
)

var (
	secretVariable = lazyre.New(`(?i)(TOKEN|SECRET|PASSW|CREDENTIAL|API_?KEY|ACCESS_KEY|PRIVATE|SSH_AUTH|AUTH_SOCK|^AWS_|^AZURE_|^GCP_|^GOOGLE_APP|_KEY$|^KEY$|COOKIE|SESSION_ID|DATABASE_URL|_DSN$)`)
	// variables that make libraries and programs run or fetch other things
	powerVariable = lazyre.New(`^(LD_|DYLD_|PYTHON(PATH|STARTUP|HOME|INSPECT|BREAKPOINT|USERBASE|PLATLIBDIR|WARNINGS)|PATH$|PIP_|HF_ENDPOINT|HF_HUB_(OFFLINE|TRUST)|HF_MODULES|HF_HOME|TRANSFORMERS_CACHE|.*TRUST_REMOTE|.*_proxy|.*_PROXY|CC$|CXX$|CUDA_HOME|CUDACXX|TORCH_(EXTENSIONS|HOME|FORCE_NO_WEIGHTS|LOAD_LIB)|TRITON_.*(DIR|LIB|PATH|PTXAS)|BASH_ENV|ENV$|SHELL$|EDITOR|PAGER|BROWSER|GIT_|SSL_|REQUESTS_CA|CURL_CA|NODE_|PERL|RUBY|JAVA_TOOL|GCONV|LOCPATH|MALLOC_|GLIBC|OPENSSL|IFS$|HOME$|XDG_CONFIG|JUPYTER|IPYTHON|MPLCONFIG|NCCL_NET_PLUGIN|NCCL_.*PLUGIN)`)
)

// environ judges os.environ itself and its methods.
func (m *module) environ(a *atom, rest string, n syntax.Node, c *syntax.Call, at place) {
	method, _, _ := strings.Cut(rest, ".")
	switch method {
	case "get", "pop", "setdefault", "__getitem__", "__setitem__", "__contains__":
		if c == nil {
			m.say(unsettled, "environment", n, at, "os.environ.%s is handed on", method)
			return
		}
		g := m.arguments(c, at.scope, nil)
		m.environment(g.at(0, "key"), method == "setdefault" || method == "__setitem__", g.at(1, "default"), n, at)
	case "update":
		m.environUpdate(n, c, at)
	case "", "copy", "items", "values", "keys", "data", "_data":
		if cmp, ok := at.parent.(*syntax.Compare); ok && cmp.Left != n {
			return // "NAME" in os.environ
		}
		if method == "" && c == nil {
			switch at.parent.(type) {
			case *syntax.Assign, *syntax.NamedExpr:
				return // an alias; its uses are followed
			}
		}
		m.say(secrets, "environment", n, at, "all variables of the environment at once")
	}
}

func (m *module) environUpdate(n syntax.Node, c *syntax.Call, at place) {
	if c == nil {
		m.say(unsettled, "environment", n, at, "os.environ.update is handed on")
		return
	}
	g := m.arguments(c, at.scope, nil)
	for _, k := range sortedKeys(g.named) {
		m.environment(only(text(k)), true, g.named[k], n, at)
	}
	for _, d := range g.at(0, "").atoms {
		for i, k := range d.keys {
			m.environment(only(k), true, d.items[i], n, at)
		}
	}
	if len(g.pos) > 0 && len(g.pos[0].atoms) == 0 {
		m.say(unsettled, "environment", n, at, "os.environ.update with what is not known here")
	}
}

// environment judges one variable, read or set.
func (m *module) environment(key value, set bool, v value, n syntax.Node, at place) {
	if len(key.atoms) == 0 || !textIn(key) || hasComputed(key) {
		m.say(unsettled, "environment", n, at, "a variable of the environment by a computed name")
		return
	}
	for _, a := range key.atoms {
		if !a.textual() {
			continue
		}
		switch {
		case set && powerVariable.MatchString(a.text):
			m.say(pick(a.text != "HF_HUB_OFFLINE" && a.text != "PYTHONWARNINGS", machinery, used), "environment", n, at, "sets %s, which other programs and libraries obey", quote(a.text))
		case set:
			m.say(used, "environment", n, at, "sets %s", quoted(a.text))
		case secretVariable.MatchString(a.text) && !strings.HasSuffix(a.text, "TOKENIZERS_PARALLELISM"):
			m.say(secrets, "environment", n, at, "reads %s", quoted(a.text))
		default:
			m.say(used, "environment", n, at, "reads %s", quoted(a.text))
		}
	}
}
