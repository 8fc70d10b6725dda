// Package lazyre has regular expressions that are compiled when they are first used.
//
// Every start of loadlock initialises every package, in two or three processes; most of the expressions belong to
// formats that the model at hand does not have.
//
// # Security
//
// The expressions are constants of this program, and Go's engine takes linear time on any input.
package lazyre

import (
	"os"
	"regexp"
	"strings"
	"sync"
)

// Regexp is a regular expression that compiles itself. It may be used from several goroutines.
type Regexp struct {
	compiled func() *regexp.Regexp
}

// New makes a Regexp. In a test binary it is compiled at once, so that a mistake cannot wait for its file to come.
func New(expr string) *Regexp {
	r := &Regexp{compiled: sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(expr) })}
	if strings.HasSuffix(os.Args[0], ".test") {
		r.compiled()
	}
	return r
}

// Match is regexp's.
func (r *Regexp) Match(b []byte) bool { return r.compiled().Match(b) }

// MatchString is regexp's.
func (r *Regexp) MatchString(s string) bool { return r.compiled().MatchString(s) }

// FindString is regexp's.
func (r *Regexp) FindString(s string) string { return r.compiled().FindString(s) }

// FindAllString is regexp's.
func (r *Regexp) FindAllString(s string, n int) []string { return r.compiled().FindAllString(s, n) }

// FindIndex is regexp's.
func (r *Regexp) FindIndex(b []byte) []int { return r.compiled().FindIndex(b) }

// FindStringIndex is regexp's.
func (r *Regexp) FindStringIndex(s string) []int { return r.compiled().FindStringIndex(s) }

// FindSubmatch is regexp's.
func (r *Regexp) FindSubmatch(b []byte) [][]byte { return r.compiled().FindSubmatch(b) }

// FindStringSubmatch is regexp's.
func (r *Regexp) FindStringSubmatch(s string) []string { return r.compiled().FindStringSubmatch(s) }

// FindAllStringSubmatch is regexp's.
func (r *Regexp) FindAllStringSubmatch(s string, n int) [][]string {
	return r.compiled().FindAllStringSubmatch(s, n)
}
