package seccomp

import "strings"

// Entry is what the tables say about a call in one block.
type Entry struct {
	Block   string // "files"
	Why     string // what the block is for
	Reason  string // why the call is in it
	In      bool   // the block is part of the profile under these options
	Answer  string // errno that is answered whatever the arguments; empty: it is permitted
	Partly  bool   // with some arguments only
	Another string // errno for the other arguments, where it is not EPERM
}

// Entries looks a call up in the tables of an architecture.
func Entries(name string, o Options) (out []Entry) {
	for _, b := range blocks {
		for _, c := range b.calls {
			if c.only != "" && c.only != o.arch() || !hasName(c.names, name) {
				continue
			}
			e := Entry{Block: b.name, Why: b.why, Reason: c.reason, In: b.when == nil || b.when(o)}
			for _, r := range c.rules {
				switch {
				case r.errno == 0:
					e.Partly = true
				case len(r.args) == 0:
					e.Answer = errnoNames[r.errno]
				default:
					e.Partly, e.Another = true, errnoNames[r.errno]
				}
			}
			out = append(out, e)
		}
	}
	return out
}

var errnoNames = map[uint]string{eperm: "EPERM", enosys: "ENOSYS", eprotonosupport: "EPROTONOSUPPORT", eopnotsupp: "ENOTSUP", eafnosupport: "EAFNOSUPPORT"}

func hasName(names, name string) bool {
	for n := range strings.FieldsSeq(names) {
		if n == name {
			return true
		}
	}
	return false
}
