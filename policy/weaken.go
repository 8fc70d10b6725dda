package policy

// Weakenings has one sentence for every way in which the policy permits more than safe does, and for everything
// that an Unsafe field, a waiver or an allowed name permits. Reports and the summary of a run print them.
func (p Policy) Weakenings() []string {
	safe, err := template(templateNames[0])
	if err != nil {
		// Compared with nothing permitted, everything is a weakening: more is said, never less.
		safe = written{}
	}
	var out []string
	for _, k := range keys {
		out = append(out, k.value.weaker(k.name, &p, &safe.policy)...)
	}
	return out
}
