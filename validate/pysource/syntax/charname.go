package syntax

import (
	_ "embed"
	"hash/fnv"
	"strconv"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/runenames"
)

// charNames finds characters by their names in the Unicode Character Database. The table holds a hash of each name
// and is made when a source first needs it.
type charNames struct {
	byHash  map[uint64]rune
	aliases map[string]rune
}

//go:embed aliases.txt
var aliases string

const longestName = 100 // the longest has 88 characters

// lookup finds the character with a name. Of the aliases that Unicode
// added, those in aliases.txt are found.
func (c *charNames) lookup(name string) (rune, bool) {
	if len(name) > longestName {
		return 0, false
	}
	name = strings.ToUpper(name)
	if r, ok := ideograph(name); ok {
		return r, true
	}
	if r, ok := hangul(name); ok {
		return r, true
	}
	if c.byHash == nil {
		c.fill()
	}
	if r, ok := c.aliases[name]; ok {
		return r, true
	}
	r, ok := c.byHash[hashName(name)]
	return r, ok && runenames.Name(r) == name
}

func (c *charNames) fill() {
	c.byHash, c.aliases = make(map[uint64]rune, 40_000), map[string]rune{}
	for line := range strings.Lines(aliases) {
		number, name, _ := strings.Cut(strings.TrimSpace(line), " ")
		if n, err := strconv.ParseUint(number, 16, 21); err == nil {
			c.aliases[name] = rune(n)
		}
	}
	for r := rune(0); r < 0x32000; r++ {
		if !unicode.Is(unicode.Unified_Ideograph, r) || r >= 0xF900 {
			c.add(r)
		}
	}
	for r := rune(0xE0000); r < 0xE0200; r++ {
		c.add(r)
	}
}

func (c *charNames) add(r rune) {
	if name := runenames.Name(r); name != "" && name[0] != '<' {
		c.byHash[hashName(name)] = r
	}
}

func hashName(s string) uint64 {
	h := fnv.New64a()
	h.Write([]byte(s))
	return h.Sum64()
}

// ideograph reads the names that are a prefix and the number of the character.
func ideograph(name string) (rune, bool) {
	digits, ok := strings.CutPrefix(name, "CJK UNIFIED IDEOGRAPH-")
	if !ok || len(digits) < 4 || len(digits) > 5 {
		return 0, false
	}
	n, err := strconv.ParseUint(digits, 16, 32)
	compatible := 0xF900 <= n && n < 0xFB00 // they have names of their own
	return rune(n), err == nil && !compatible && unicode.Is(unicode.Unified_Ideograph, rune(n))
}

// The short names of the parts of a Hangul syllable, Unicode chapter 3.12.
var (
	leads  = strings.Split("G GG N D DD R M B BB S SS  J JJ C K T P H", " ")
	vowels = strings.Split("A AE YA YAE EO E YEO YE O WA WAE OE YO U WEO WE WI YU EU YI I", " ")
	tails  = strings.Split(" G GG GS N NJ NH D L LG LM LB LS LT LP LH M B BS S SS NG J C K T P H", " ")
)

func hangul(name string) (rune, bool) {
	rest, ok := strings.CutPrefix(name, "HANGUL SYLLABLE ")
	if !ok {
		return 0, false
	}
	for l, lead := range leads {
		for v, vowel := range vowels {
			if tail, ok := strings.CutPrefix(rest, lead+vowel); ok {
				for t, name := range tails {
					if name == tail {
						return rune(0xAC00 + (l*21+v)*28 + t), true
					}
				}
			}
		}
	}
	return 0, false
}
