package syntax

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	_ "embed"
)

//go:embed testdata/grammar.txt
var grammar string

var pieces = regexp.MustCompile(`(?s)[A-Za-z0-9_]+|[ \t]+|\n|"""|'''|\*\*=?|//=?|>>=?|<<=?|:=|->|[-+*/%@&|^=!<>]=|\.\.\.|.`)

var spare = strings.Fields(`( ) [ ] { } , : ; . ... = := * ** / @ - + ~ ! ' " ''' \ # -> == != in not is if else for async await yield from lambda
	as with match case type _ except None 1 0 x f'{ } f" b' r' += , , : def class return and or import \n \t
	\r \r\n \\\n \\\r\n \f \v \u00a0 \ufeff é · ﬀ ͺ 1_ 0x 0b1 1e 1j #\n \n\n\t \n\f \n\f\f\u0020 \n\u0020\u0020 \N{ \x \0 {{ }} $ ? t'`)

var spaces = strings.NewReplacer(`\n`, "\n", `\t`, "\t", `\r`, "\r", `\f`, "\f", `\v`, "\v", `\u00a0`, "\u00a0", `\ufeff`, "\ufeff", `\u0020`, " ", `\\`, `\`)

// mutants makes n sources out of the examples by small changes. The same number gives the same ones.
func mutants(n int, seed uint64) []string {
	r := rand.New(rand.NewPCG(seed, 1))
	var examples [][]string
	var words []string
	for text := range strings.SplitSeq(grammar+"---\n"+newer, "---\n") {
		for part := range strings.SplitSeq(text, "\n\n") {
			list := pieces.FindAllString(part, -1)
			examples = append(examples, list)
			words = append(words, list...)
		}
	}
	pick := func() string {
		if r.IntN(2) == 0 {
			return words[r.IntN(len(words))]
		}
		return spaces.Replace(spare[r.IntN(len(spare))])
	}
	var out []string
	for i := range n {
		list := append([]string(nil), examples[i%len(examples)]...)
		if i >= len(examples) {
			list = lineOf(list, r)
			for range 1 + r.IntN(4)/3 {
				list = mutate(list, r, pick)
			}
		}
		out = append(out, strings.Join(list, ""))
	}
	return out
}

// lineOf keeps, more often than not, a single line, so that one mistake does not hide what follows.
func lineOf(list []string, r *rand.Rand) []string {
	if list[0] == "match" && r.IntN(3) > 0 || r.IntN(3) == 0 {
		return list
	}
	lines := strings.SplitAfter(strings.Join(list, ""), "\n")
	line := strings.TrimLeft(lines[r.IntN(len(lines))], " \t")
	if strings.HasPrefix(line, "case ") {
		line = "match x:\n " + line
	}
	if line == "" {
		return list
	}
	return pieces.FindAllString(line, -1)
}

func mutate(list []string, r *rand.Rand, pick func() string) []string {
	i := r.IntN(len(list))
	switch r.IntN(5) {
	case 0:
		if len(list) > 1 {
			return append(list[:i:i], list[i+1:]...)
		}
	case 1:
		j := r.IntN(len(list))
		list[i], list[j] = list[j], list[i]
		return list
	case 2:
		list[i] = pick()
		return list
	}
	return append(append(list[:i:i], pick()), list[i:]...)
}

// TestMutantsAsCPython compares with CPython over sources that are nearly right: the same ones must be refused, and
// the others must give the same tree.
func TestMutantsAsCPython(t *testing.T) {
	python := interpreter(t)
	n, seed := 4000, uint64(1)
	if v, err := strconv.Atoi(os.Getenv("LOADLOCK_MUTANTS")); err == nil {
		n, seed = v, uint64(v)
	}
	dir := t.TempDir()
	var names []string
	sources := map[string]string{}
	for i, src := range mutants(n, seed) {
		name := filepath.Join(dir, fmt.Sprintf("%07d.py", i))
		if err := os.WriteFile(name, []byte(src), 0o600); err != nil {
			t.Fatal(err)
		}
		names, sources[name] = append(names, name), src
	}
	out := python.dump(t, names, "-v")
	same, refused, newer := 0, 0, 0
	lines := strings.Split(out, "\n")
	for i := 0; i < len(lines)-1; i++ {
		name, verdict, _ := strings.Cut(lines[i], "\t")
		src := sources[name]
		m, err := Parse([]byte(src), Limits{})
		if strings.HasPrefix(verdict, "!") {
			switch {
			case err != nil:
				refused++
			case python.fromLater(m) || strings.Contains(verdict, "unknown Unicode character name"):
				newer++
			default:
				t.Errorf("%q: CPython says %s", src, verdict)
			}
			continue
		}
		i++
		var syntax *SyntaxError
		if errors.As(err, &syntax) {
			// See the package comment. CPython forgets about the leading zeros of 03else, and since
			// 3.12 only the compiler refuses a starred expression in a field.
			if python.minor == 8 || strings.Contains(syntax.What, "versions read differently") || strings.Contains(syntax.What, "leading zeros") ||
				python.minor > 11 && syntax.What == "cannot use starred expression here" {
				newer++
				continue
			}
			t.Errorf("%q: %v", src, err)
		} else if python.fromLater(m) {
			newer++
		} else if got := dump([]byte(src), m, python.bare); got != lines[i] {
			t.Errorf("%q:\nCPython %s\nours    %s", src, lines[i], got)
		} else {
			same++
		}
	}
	t.Logf("%d mutants with the same tree, %d refused by both, %d that versions read differently", same, refused, newer)
	if same < n/12 || refused < n/10 {
		t.Error("the mutants are one-sided")
	}
}
