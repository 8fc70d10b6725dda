package pysource

import (
	"strings"

	"github.com/loadlock/loadlock/validate"
	"github.com/loadlock/loadlock/validate/lazyre"
)

// A command of a cell is nothing that loading a model runs. What people's notebooks are full of is told apart from what
// nobody types there, and is at most something to look at: it does not refuse a model in which the notebook is withheld.
var (
	// lines that IPython hands to a shell, or that make it do more than show something
	shellLine = lazyre.New(`^\s*(\w+\s*=\s*)?(!|%sx|%system|%%bash|%%sh|%%script|%%cmd|%%system|%%perl|%%ruby|%%javascript|%%js|%%html|%run|%load_ext|%%cython|%%writefile|%edit|%env|%alias|%macro|%rehashx|%logstart|%load\s+\w+://|%pastebin|%%sx|%%!|!!)`)
	// a name that is given what a command says
	shellValue = lazyre.New(`^\s*\w+\s*=\s*(!|%\w)`)
	// commands that look
	plainCommand = lazyre.New(`^\s*(\w+\s*=\s*)?[!%]\s*(nvidia-smi|ls|pwd|free|df|du|lscpu|nproc|tree|which|python3? --version|pip3? (show|list|freeze)|git lfs install|load_ext (tensorboard|autoreload|line_profiler|memory_profiler|watermark|lab_black|google\.colab\.data_table|rich))\b` + plainArguments)
	// commands that install, fetch and tidy up
	usualCommand = lazyre.New(`^\s*(\w+\s*=\s*)?[!%]\s*(sudo )?(pip3? uninstall|apt(-get)?( -\w+)* (update|install)|git (clone|pull|checkout|config)|wget|huggingface-cli|hf|mkdir|rm|rmdir|mv|cp|unzip|tar|zip|cat|head|tail|wc|echo|xxd|cd|kaggle datasets download|gdown|(python3?|accelerate launch|torchrun|streamlit run)( -u)? [A-Za-z_][\w/-]*\.py)\b` + plainArguments)
	// env NAME=VALUE for the libraries' own switches
	usualVariable = lazyre.New(`^\s*%env\s+(CUDA|TF|TORCH|PYTORCH|TOKENIZERS|HF|TRANSFORMERS|WANDB|NCCL|OMP|MKL|KERAS|JAX|XLA)_[A-Z0-9_]+\s*=` + plainArguments)
	// what counts and filters the lines that a command shows
	harmlessPipe = lazyre.New(`\s*\|\s*(wc|head|tail|grep|sort|uniq)(\s+[\w.'"-]+)*\s*$`)
	// places of a command's arguments that are not the notebook's own
	foreignPlace = lazyre.New(`(^|[\s='":@])(~|/(etc|proc|sys|dev|root|home|boot|bin|sbin|lib|usr|var|opt|run)\b|/\s|/$|/\*|[A-Za-z]:\\)|\.\./\.\.|\.(ssh|aws|kube|netrc|bash|profile|zsh|git-credentials|config|docker|gnupg|pypirc|npmrc)|authorized_keys|crontab|token|passw|secret|credential|id_rsa|core\.(hooksPath|sshCommand|fsmonitor|pager|editor)|filter\.|alias\.|--(post-file|post-data|use-askpass|execute|upload-pack|checkpoint-action|to-command|config-file|exec)`)
	installLine  = lazyre.New(`^\s*[!%]\s*((python3?|uv) -?m? ?)?(pip3?|conda|mamba|uv pip) install\s+(.*)$`)
)

// plainArguments has nothing that a shell acts on: no second command, no pipe, no file that is written, nothing computed.
const plainArguments = `[^;&|<>$` + "`" + `]*$`

// given is a command of a cell whose kind is not known yet.
type given struct {
	line string
	off  int64
}

// commands remembers the lines of a cell that are commands if it is code; in Markdown, "!" begins a picture.
func (c *cells) commands(text string, off int64) {
	for _, line := range strings.Split(strings.TrimSuffix(text, "\n"), "\n") {
		line = c.begun + line
		c.begun = ""
		if isCommand(line) && strings.HasSuffix(line, `\`) {
			c.begun = strings.TrimSuffix(line, `\`)
			continue
		}
		if isCommand(line) {
			c.given = append(c.given, given{line, off})
		}
	}
}

func isCommand(line string) bool { return shellLine.MatchString(line) || installLine.MatchString(line) }

func (c *cells) command(line string, off int64) {
	at := validate.Place{Offset: off, Evidence: quote(line)}
	line = strings.TrimSuffix(line, harmlessPipe.FindString(line))
	switch m := installLine.FindStringSubmatch(line); {
	case m == nil && !shellLine.MatchString(line):
	case m != nil && c.install(m[len(m)-1], at):
	case foreignPlace.MatchString(line):
		c.tell(notebookCommand, at, "subprocess", line)
	case plainCommand.MatchString(line), usualVariable.MatchString(line):
	case usualCommand.MatchString(line):
		c.tell(notebookUsual, at, "subprocess", line)
	default:
		c.tell(notebookCommand, at, "subprocess", line)
	}
}

// maxCommands bounds the findings about the commands of one notebook.
const maxCommands = 32

func (c *cells) tell(r *validate.Rule, at validate.Place, capability, line string) {
	if c.hits++; c.hits <= maxCommands || r == notebookCommand && c.hits <= 2*maxCommands {
		at.Capability = capability
		c.p.ReportAt(r, at, "a cell gives a command: %s", quoted(strings.TrimSpace(line)))
	}
}

// install judges what a cell installs as a list of requirements is judged, and says whether it could be read as one.
func (c *cells) install(arguments string, at validate.Place) bool {
	list, ok := shellWords(arguments)
	if !ok {
		return false
	}
	if c.hits++; c.hits <= maxCommands {
		at.Capability = "network_access"
		c.p.ReportAt(odddependency, at, "a cell installs packages: %s", quoted(strings.TrimSpace(arguments)))
	}
	for i, word := range list {
		index := func(option string) bool { return otherIndex.MatchString(option) && !strings.Contains(option, "=") }
		switch {
		case index(word) && i+1 < len(list):
			continue // it is judged with what follows
		case i > 0 && index(list[i-1]):
			word = list[i-1] + " " + word
		}
		if strings.Contains(word, "://") && !strings.HasPrefix(word, "git+https://") && !(otherIndex.MatchString(word) && knownAddresses(word)) {
			c.tell(notebookCommand, at, "subprocess", arguments)
		}
		requirement(c.p, word, 0, at.Offset)
	}
	return true
}

// shellWords cuts the arguments of a command at spaces, as a shell does, and refuses what a shell would act on. That
// people forget the quotes around >= is let through: it writes a file called "=4.30".
func shellWords(s string) (list []string, ok bool) {
	var word strings.Builder
	quote := rune(0)
	for i, r := range s {
		switch {
		case strings.ContainsRune("$`\\", r), quote == 0 && strings.ContainsRune(";&|<>", r) && !strings.HasPrefix(s[i:], ">="):
			return nil, false
		case r == '#' && quote == 0 && word.Len() == 0:
			return list, true
		case r == quote:
			quote = 0
		case quote == 0 && (r == '"' || r == '\''):
			quote = r
		case quote == 0 && (r == ' ' || r == '\t'):
			if word.Len() > 0 {
				list = append(list, word.String())
			}
			word.Reset()
		default:
			word.WriteRune(r)
		}
	}
	if word.Len() > 0 {
		list = append(list, word.String())
	}
	return list, quote == 0
}
