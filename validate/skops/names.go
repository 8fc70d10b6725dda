package skops

import (
	"bufio"
	_ "embed" // the two lists
	"fmt"
	"strings"
	"sync"
)

//go:embed names.txt
var namesText string

//go:embed denied.txt
var deniedText string

type lists struct {
	allowed map[[2]string]bool
	denied  map[string]bool // modules
	modules map[string]bool // of the allowed names
}

var loadLists = sync.OnceValues(func() (*lists, error) {
	l := &lists{allowed: map[[2]string]bool{}, denied: map[string]bool{}, modules: map[string]bool{}}
	err := read("names.txt", namesText, 2, func(f []string) bool {
		key := [2]string{f[0], f[1]}
		twice := l.allowed[key]
		l.allowed[key], l.modules[f[0]] = true, true
		return !twice
	})
	if err != nil {
		return nil, err
	}
	return l, read("denied.txt", deniedText, 1, func(f []string) bool {
		twice := l.denied[f[0]]
		l.denied[f[0]] = true
		return !twice
	})
})

// read gives lines of n words and a reason to add, which says no to a repeated one.
func read(file, text string, n int, add func([]string) bool) error {
	sc := bufio.NewScanner(strings.NewReader(text))
	for line := 1; sc.Scan(); line++ {
		s := sc.Text()
		if s == "" || s[0] == '#' {
			continue
		}
		f := strings.SplitN(s, " ", n+1)
		if len(f) != n+1 || f[n] == "" {
			return fmt.Errorf("%s:%d: want %d words and a reason", file, line, n)
		}
		if !add(f) {
			return fmt.Errorf("%s:%d: listed twice", file, line)
		}
	}
	return sc.Err()
}
