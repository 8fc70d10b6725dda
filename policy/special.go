package policy

import (
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// version is the value of version: the number 1.
type version struct{}

func (version) read(at place, n *yaml.Node, _ *Policy) error {
	x, err := readInt(at, n)
	if err == nil && x != 1 {
		err = at.fault(n, "this loadlock reads version 1; a newer policy needs a newer loadlock", "version %d is not known", x)
	}
	return err
}

func (version) get(*Policy) any                          { return int64(1) }
func (version) schema() map[string]any                   { return map[string]any{"const": 1} }
func (version) tighten(_, _, _ *Policy)                  {}
func (version) weaker(string, *Policy, *Policy) []string { return nil }

// extends is the value of extends. It is read before everything else (decode), because it decides what the
// other keys change.
type extends struct{}

func (extends) read(place, *yaml.Node, *Policy) error { return nil }
func (extends) get(*Policy) any                       { return nil }
func (extends) schema() map[string]any {
	return map[string]any{"enum": templateNames, "default": "safe"}
}
func (extends) tighten(_, _, _ *Policy)                  {}
func (extends) weaker(string, *Policy, *Policy) []string { return nil }

// allowRemoteCode is the value of allow_remote_code, the seed's view of Policy.RemoteCode.
type allowRemoteCode struct{}

func (allowRemoteCode) read(at place, n *yaml.Node, p *Policy) error {
	var allow bool
	if err := (boolean{at: func(*Policy) *bool { return &allow }}).read(at, n, p); err != nil {
		return err
	}
	switch {
	case allow:
		p.RemoteCode = RemoteCodeAllow
	case p.RemoteCode == RemoteCodeAllow: // an inherited refuse stays
		p.RemoteCode = RemoteCodeWithhold
	}
	return nil
}

func (allowRemoteCode) get(p *Policy) any      { return p.RemoteCode == RemoteCodeAllow }
func (allowRemoteCode) schema() map[string]any { return map[string]any{"type": "boolean"} }
func (allowRemoteCode) tighten(p, asked, ceiling *Policy) {
	p.RemoteCode = min(asked.RemoteCode, ceiling.RemoteCode)
}

func (allowRemoteCode) weaker(key string, p, base *Policy) []string {
	if p.RemoteCode != RemoteCodeAllow || base.RemoteCode == RemoteCodeAllow {
		return nil
	}
	return []string{"Python that comes with the model may run inside, once scanned and cleared (" + key + ": true)"}
}

// remoteCode is the value of remote_code: the kind of refusal.
type remoteCode struct{}

var remoteCodeWords = []string{"refuse", "withhold"}

func (remoteCode) read(at place, n *yaml.Node, p *Policy) error {
	i, err := readWord(at, n, remoteCodeWords)
	if err != nil {
		return err
	}
	if p.RemoteCode == RemoteCodeAllow {
		return at.fault(n, "remove the line, or set allow_remote_code: false", "contradicts allow_remote_code: true")
	}
	p.RemoteCode = RemoteCode(i)
	return nil
}

func (remoteCode) get(p *Policy) any {
	if p.RemoteCode == RemoteCodeAllow {
		return nil
	}
	return remoteCodeWords[p.RemoteCode]
}

func (remoteCode) schema() map[string]any  { return map[string]any{"enum": remoteCodeWords} }
func (remoteCode) tighten(_, _, _ *Policy) {} // allow_remote_code has it

func (remoteCode) weaker(key string, p, base *Policy) []string {
	if p.RemoteCode == RemoteCodeWithhold && base.RemoteCode == RemoteCodeRefuse {
		return []string{"models with Python are admitted without it (" + key + ": withhold)"}
	}
	return nil
}

// sandboxRequired is the value of sandbox_required, the seed's view of Sandbox.UnsafeOptional.
type sandboxRequired struct{}

func (sandboxRequired) read(at place, n *yaml.Node, p *Policy) error {
	var required bool
	if err := (boolean{at: func(*Policy) *bool { return &required }}).read(at, n, p); err != nil {
		return err
	}
	p.Sandbox.UnsafeOptional = nil
	if !required {
		p.Sandbox.UnsafeOptional = LayerNames()
	}
	return nil
}

func (sandboxRequired) get(p *Policy) any {
	return len(p.Sandbox.UnsafeOptional) < len(layerNames)
}

func (sandboxRequired) schema() map[string]any  { return map[string]any{"type": "boolean"} }
func (sandboxRequired) tighten(_, _, _ *Policy) {} // optional_layers has it

func (v sandboxRequired) weaker(key string, p, base *Policy) []string {
	if v.get(p) == true || v.get(base) == false {
		return nil
	}
	return []string{"no layer of the sandbox has to be in force: what runs may not be contained at all (" + key + ": false)"}
}

// optionalLayers is the value of optional_layers; when it has all of them, sandbox_required says so.
type optionalLayers struct{ set }

func (v optionalLayers) get(p *Policy) any {
	if (sandboxRequired{}).get(p) == false {
		return nil
	}
	return v.set.get(p)
}

func (v optionalLayers) weaker(key string, p, base *Policy) []string {
	if v.get(p) == nil {
		return nil
	}
	return v.set.weaker(key, p, base)
}

// Names of policies. Templates keep theirs, so that a report that says "safe" means the built-in one; "+" joins
// the name of a policy to that of the ceiling that clipped it.
const namePattern = `^[A-Za-z0-9][A-Za-z0-9._+-]{0,199}$`

func checkName(s string) string {
	letter := func(r rune) bool { return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' }
	if s == "" || len(s) > 200 || !letter(rune(s[0])) ||
		strings.ContainsFunc(s, func(r rune) bool { return !letter(r) && !strings.ContainsRune("._+-", r) }) {
		return "is not a name: wants letters, digits, dots, dashes and underscores"
	}
	return ""
}

// reserved returns the template that a name pretends to be, or "".
func reserved(name string) string {
	for part := range strings.SplitSeq(name, "+") {
		if slices.Contains(templateNames, part) {
			return part
		}
	}
	return ""
}

func anyText(string) string { return "" }
