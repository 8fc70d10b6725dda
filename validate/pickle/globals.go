package pickle

import (
	"bufio"
	_ "embed" // the lists
	"fmt"
	"strings"
	"sync"
)

//go:embed globals.txt
var globalsText string

//go:embed globals_sklearn.txt
var sklearnText string

//go:embed globals_frameworks.txt
var frameworksText string

//go:embed compat.txt
var compatText string

// acts are what a pickle may do with a name.
type acts uint8

const (
	actImport acts = 1 << iota
	actCall
	actBuild
	actItems
	actDeny
	actNative // state goes to compiled code
)

// entry is one line of globals.txt.
type entry struct {
	acts   acts
	shape  shape
	reason string
}

type name struct{ module, name string }

// lists is what the embedded files say.
type lists struct {
	version int
	globals map[name]*entry
	modules map[string]string // Python 2 module → Python 3 module
	names   map[name]name
}

// vetted are the lists. That they can be read is tested; a scanner that cannot is stopped, and the file is not cleared.
func vetted() *lists {
	l, err := loadLists()
	if err != nil {
		panic(err)
	}
	return l
}

// loadLists reads the files when the first name is looked up: commands that scan nothing, and scans of pickles that are
// data alone, do not pay for it.
var loadLists = sync.OnceValues(func() (*lists, error) {
	l := &lists{globals: make(map[name]*entry, 2048)}
	var err error
	for _, file := range []struct{ name, text string }{{"globals.txt", globalsText}, {"globals_sklearn.txt", sklearnText}, {"globals_frameworks.txt", frameworksText}} {
		if err := readGlobals(l.globals, file.name, file.text); err != nil {
			return nil, err
		}
	}
	if _, err := fmt.Sscanf(globalsText, "# version %d", &l.version); err != nil || l.version < 1 {
		return nil, fmt.Errorf("globals.txt begins with its version: %w", err)
	}
	l.modules, l.names, err = readCompat(compatText)
	return l, err
})

// Version is the number of the lists of vetted names. It grows with every change of them.
func Version() int {
	l, err := loadLists()
	if err != nil {
		return 0
	}
	return l.version
}

func readGlobals(out map[name]*entry, file, text string) error {
	line := 0
	for s := range strings.Lines(text) {
		line++
		if s = strings.TrimSpace(s); s == "" || s[0] == '#' {
			continue
		}
		module, s, _ := strings.Cut(s, " ")
		nm, s, _ := strings.Cut(s, " ")
		words, reason, _ := strings.Cut(s, " ")
		if module == "" || nm == "" || words == "" || reason == "" {
			return fmt.Errorf("%s:%d: want module, name, acts, reason, one space between them", file, line)
		}
		key := name{module, nm}
		if out[key] != nil {
			return fmt.Errorf("%s:%d: %s %s is listed twice", file, line, module, nm)
		}
		e := &entry{reason: reason}
		for word := range strings.SplitSeq(words, ",") {
			if err := e.add(word); err != nil {
				return fmt.Errorf("%s:%d: %w", file, line, err)
			}
		}
		if e.acts&actDeny != 0 && e.acts != actDeny || nm == "*" && e.acts != actDeny {
			return fmt.Errorf("%s:%d: deny stands alone, and only deny takes *", file, line)
		}
		out[key] = e
	}
	return nil
}

// actWords are the words of the third column.
var actWords = [...]struct {
	word string
	bit  acts
}{{"import", actImport}, {"call", actCall}, {"build", actBuild}, {"items", actItems}, {"deny", actDeny}, {"native", actNative}}

func actOf(word string) acts {
	for _, a := range actWords {
		if a.word == word {
			return a.bit
		}
	}
	return 0
}

func (e *entry) add(word string) error {
	act, shapeName, hasShape := strings.Cut(word, ":")
	bit := actOf(act)
	switch {
	case bit == 0:
		return fmt.Errorf("unknown act %q", word)
	case e.acts&bit != 0:
		return fmt.Errorf("act %q is given twice", act)
	case hasShape != (act == "call"):
		return fmt.Errorf("act %q: a call needs a shape, and nothing else takes one", word)
	case hasShape:
		if e.shape = shapes[shapeName]; e.shape == nil {
			return fmt.Errorf("unknown shape %q", shapeName)
		}
	}
	e.acts |= bit
	return nil
}

func readCompat(text string) (map[string]string, map[name]name, error) {
	modules, names := map[string]string{}, map[name]name{}
	sc := bufio.NewScanner(strings.NewReader(text))
	for line := 1; sc.Scan(); line++ {
		f := strings.Fields(sc.Text())
		switch {
		case len(f) == 0 || f[0] == "#" || strings.HasPrefix(f[0], "#"):
		case f[0] == "module" && len(f) == 3 && modules[f[1]] == "":
			modules[f[1]] = f[2]
		case f[0] == "name" && len(f) == 5 && names[name{f[1], f[2]}] == (name{}):
			names[name{f[1], f[2]}] = name{f[3], f[4]}
		default:
			return nil, nil, fmt.Errorf("compat.txt:%d: malformed or repeated", line)
		}
	}
	return modules, names, sc.Err()
}

// resolve maps a name as the unpickler does below protocol 3 and looks it up.
func (l *lists) resolve(module, nm string, proto int) *global {
	if proto < 3 {
		if to, ok := l.names[name{module, nm}]; ok {
			module, nm = to.module, to.name
		} else if to, ok := l.modules[module]; ok {
			module = to
		}
	}
	g := &global{module: module, name: nm}
	if strings.HasPrefix(module, "__torch__") && (len(module) == 9 || module[9] == '.') {
		g.entry = scriptClass
		return g
	}
	if e := l.globals[name{module, nm}]; e != nil {
		if e.acts&actDeny != 0 {
			g.denied = e
		} else {
			g.entry = e
		}
		return g
	}
	root, _, _ := strings.Cut(nm, ".")
	if e := l.globals[name{module, root}]; e != nil && e.acts&actDeny != 0 {
		g.denied = e
		return g
	}
	for m := module; m != ""; {
		if e := l.globals[name{m, "*"}]; e != nil {
			g.denied = e
			return g
		}
		i := strings.LastIndexByte(m, '.')
		m = m[:max(i, 0)]
	}
	return g
}
