package pysource

import (
	"path"
	"strings"

	"github.com/loadlock/loadlock/validate"
	"github.com/loadlock/loadlock/validate/lazyre"
)

// isRequirements recognises the files that name packages to be installed.
func isRequirements(h validate.Head) bool {
	base := strings.ToLower(path.Base(h.Name))
	switch base {
	case "setup.cfg", "pip.conf", "pip.ini", "pydistutils.cfg", "pyproject.toml", "environment.yml", "environment.yaml", "conda.yaml", "conda.yml", "pipfile", "constraints.txt":
		return h.Text()
	}
	return strings.HasPrefix(base, "requirements") && (strings.HasSuffix(base, ".txt") || strings.HasSuffix(base, ".in") || strings.HasSuffix(base, ".pip")) && h.Text()
}

var (
	otherIndex = lazyre.New(`^\s*(-i|--i(n(d(e(x(-u(rl?)?)?)?)?)?)?\b|--index-url|--extra-i|-f|--find-l|--trusted-h|-r\s*\w+://|--req\w*[\s=]+\w+://|-c\s*\w+://|--constr\w*[\s=]+\w+://|index[-_]url\s*=|extra[-_]index[-_]url\s*=|find[-_]links\s*=|\[\[tool\.uv\.index\]\]|\[\[tool\.poetry\.source\]\]|\[\[source\]\])`)
	// A default branch or a release of projects whose packages everybody has. Another revision may be anybody's: those of
	// a fork can be had under the address of the original.
	knownPlace    = lazyre.New(`^\s*-?\s*([\w\[\].-]+\s*@\s*)?git\+https://github\.com/(huggingface|pytorch|Dao-AILab|openai|facebookresearch|Lightning-AI)/[\w.-]+?(\.git)?(@(main|master|v?\d{1,4}(\.\d+)+))?(#egg=[\w\[\],.-]+)?\s*$`)
	knownIndex    = lazyre.New(`https://(pypi\.org/simple|download\.pytorch\.org/|data\.pyg\.org/|storage\.googleapis\.com/jax-releases/|pypi\.nvidia\.com([/\s"']|$))`)
	directPlace   = lazyre.New(`(?i)(git|hg|svn|bzr)\+|@\s*(https?|file|ftp)://|^\s*-?\s*(https?|file|ftp)://|^\s*(-e|--editable)\b|^\s*\.{0,2}/|^\s*git\s*=\s*["']|\{.*\b(git|url|path)\s*=\s*["']`)
	directAddress = lazyre.New(`^\s*([\w\[\].-]+\s*@\s*)?https://[\w./+%~-]+\.whl\s*(#sha256=[0-9a-f]+)?$`)
	packageName   = lazyre.New(`^[\s\-"']*([A-Za-z0-9][A-Za-z0-9._-]*)\s*(\[[^\]]*\])?\s*["']?\s*([=<>!~;,@#"'\]]|$)`)
	buildBackend  = lazyre.New(`^\s*(build-backend|backend-path)\s*=\s*["'\[]\s*["']?([\w.:-]+)`)
)

var knownBackends = words(`setuptools.build_meta setuptools.build_meta:__legacy__ poetry.core.masonry.api hatchling.build flit_core.buildapi pdm.backend maturin mesonpy scikit_build_core.build`)

// scanRequirements judges a list of packages line by line.
func scanRequirements(p *validate.Pass) error {
	var pending strings.Builder
	line, at, next := 1, int64(0), 1
	err := p.ReadText(func(off int64, chunk []byte) error {
		for i, c := range chunk {
			if c == '\n' {
				next++
				if s, goesOn := strings.CutSuffix(strings.TrimSuffix(pending.String(), "\r"), `\`); goesOn {
					pending.Reset()
					pending.WriteString(s)
					continue
				}
				requirement(p, pending.String(), line, at)
				pending.Reset()
				line, at = next, off+int64(i)+1
			} else if pending.Len() < 4096 {
				pending.WriteByte(c)
			}
		}
		p.Clear(off, int64(len(chunk)), "names of packages")
		return nil
	})
	if err == nil {
		requirement(p, pending.String(), line, at)
	}
	return err
}

func requirement(p *validate.Pass, s string, line int, at int64) {
	s, _, _ = strings.Cut(strings.TrimSuffix(s, "\r"), " #")
	if t := strings.TrimSpace(s); t == "" || strings.HasPrefix(t, "#") {
		return
	}
	place := validate.Place{Offset: min(at, p.Size), Line: line, Evidence: quote(strings.TrimSpace(s)), Capability: "network_access"}
	switch m := packageName.FindStringSubmatch(s); {
	case otherIndex.MatchString(s) && !knownAddresses(s):
		p.ReportAt(dependency, place, "packages come from another index: %s", quoted(s))
	case otherIndex.MatchString(s):
	case buildBackend.MatchString(s):
		if b := buildBackend.FindStringSubmatch(s); !knownBackends[b[2]] || b[1] == "backend-path" {
			p.ReportAt(odddependency, place, "the build runs %s", quoted(b[2]))
		}
	case knownPlace.MatchString(s), directAddress.MatchString(s) && knownAddresses(s):
	case directPlace.MatchString(s):
		p.ReportAt(odddependency, place, "a package from a place of its own: %s", quoted(s))
	case strings.Contains(s, "--pre"), strings.Contains(s, "--no-verify"), strings.Contains(s, "--no-binary"), strings.Contains(s, "--config-settings"), strings.Contains(s, "--global-option"), strings.Contains(s, "--install-option"):
		p.ReportAt(odddependency, place, "an option that changes what is installed: %s", quoted(s))
	case m != nil:
		if near := nearMiss(normalName(m[1])); near != "" {
			p.ReportAt(odddependency, place, "package %s is almost %s", quoted(m[1]), near)
		}
	}
}

// knownAddresses reports whether a line has addresses and all of them are of known indexes.
func knownAddresses(s string) bool {
	n := strings.Count(s, "://")
	return n > 0 && len(knownIndex.FindAllString(s, -1)) == n
}

// normalName is a package's name as PEP 503 compares it.
func normalName(s string) string {
	return strings.ToLower(strings.NewReplacer("_", "-", ".", "-").Replace(s))
}

// popular are packages that impostors imitate.
var popular = words(`torch torchvision torchaudio numpy scipy pandas transformers diffusers tokenizers safetensors accelerate sentencepiece huggingface-hub datasets requests urllib3 tensorflow keras
	scikit-learn matplotlib pillow opencv-python einops flash-attn xformers triton bitsandbytes peft timm tqdm packaging regex protobuf onnx onnxruntime jax jaxlib flax optax librosa soundfile
	cryptography setuptools pyyaml colorama python-dateutil beautifulsoup4 selenium deepspeed vllm gradio fastapi uvicorn pydantic openai tiktoken langchain boto3`)

// neighbours are real packages that are close to a popular one.
var neighbours = words(`torchx torchao torchdata torchtext torch-xla tensorflow-cpu numpydoc panda scipy-stubs jaxtyping onnxmltools kera pyyaml-env-tag request datasette flask flax keras-core optax optuna
	timm tqdm onnx onnxruntime-gpu triton-nightly triton regex dataset peft torch tritonclient jax jaxlib flax timm tomli`)

// nearMiss is the popular package that a name is one slip away from.
func nearMiss(name string) string {
	if popular[name] || neighbours[name] || len(name) < 4 {
		return ""
	}
	for _, p := range sortedWords(popular) {
		if len(p) >= 4 && slip(name, p) {
			return p
		}
		if strings.ReplaceAll(name, "-", "") == strings.ReplaceAll(p, "-", "") {
			return p
		}
	}
	return ""
}

// slip reports whether two names differ by one letter added, lost, changed or exchanged with its neighbour.
func slip(a, b string) bool {
	if len(a) > len(b) {
		a, b = b, a
	}
	if len(b)-len(a) > 1 {
		return false
	}
	i := 0
	for i < len(a) && a[i] == b[i] {
		i++
	}
	if len(a) < len(b) {
		return a[i:] == b[i+1:]
	}
	return i < len(a) && (a[i+1:] == b[i+1:] || i+1 < len(a) && a[i] == b[i+1] && a[i+1] == b[i] && a[i+2:] == b[i+2:])
}
