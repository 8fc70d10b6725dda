package yamlconf

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"sort"
	"strconv"
	"strings"

	"github.com/loadlock/loadlock/validate"
	"github.com/loadlock/loadlock/validate/lazyre"
	"go.yaml.in/yaml/v3"
)

const (
	maxBytes = 4 << 20 // of a file that is held and parsed
	// maxMarks bounds the nodes of the tree: each needs one of the characters that separate values. A node takes some two
	// hundred bytes of memory.
	maxMarks   = 60_000
	maxAliases = 10_000
)

func scan(p *validate.Pass) error {
	if err := p.ReadText(func(int64, []byte) error { return nil }); err != nil {
		return err
	}
	if p.Size > maxBytes {
		return fmt.Errorf("%w: YAML of %d bytes, %d are judged", validate.ErrBudget, p.Size, int64(maxBytes))
	}
	text, err := p.Bytes(0, p.Size)
	if err != nil {
		return err
	}
	if n := marks(text); n > maxMarks {
		return fmt.Errorf("%w: YAML with %d places for values, %d are judged", validate.ErrBudget, n, maxMarks)
	}
	if n := bytes.Count(text, []byte("*")); n > maxAliases {
		return fmt.Errorf("%w: YAML with %d places for aliases, %d are judged", validate.ErrBudget, n, maxAliases)
	}
	j := newJudge(p, text)
	if err := j.documents(text); err != nil {
		j.salvage(text)
		return err
	}
	p.Clear(0, p.Size, "YAML")
	return nil
}

// marks counts an upper bound of the nodes. Inside words the characters count too, so text is overestimated.
func marks(text []byte) int {
	n := 0
	for i, c := range text {
		switch c {
		case ',', '[', '{', '\n', '\r':
			n++
		case ':', '-', '?':
			if i+1 == len(text) || bytes.IndexByte([]byte(" \t\r\n,[]{}\"'"), text[i+1]) >= 0 {
				n++
			}
		}
	}
	return n
}

// documents parses and judges each document of the file.
func (j *judge) documents(text []byte) error {
	dec := yaml.NewDecoder(bytes.NewReader(text))
	for {
		if err := j.p.Charge(validate.Entries, 0); err != nil {
			return err
		}
		var doc yaml.Node
		err := dec.Decode(&doc)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return validate.Malformed(j.failedAt(err), "not YAML: %s", strconv.QuoteToASCII(err.Error()[:min(len(err.Error()), 120)]))
		}
		if err := j.document(&doc); err != nil {
			return err
		}
	}
}

var lineNumber = lazyre.New(`line (\d+)`)

// failedAt is the offset of the line that an error of the parser names.
func (j *judge) failedAt(err error) int64 {
	m := lineNumber.FindStringSubmatch(err.Error())
	if m == nil {
		return 0
	}
	n, _ := strconv.Atoi(m[1])
	return j.offset(n, 1)
}

// lines are the offsets at which lines begin.
func lines(text []byte) []int64 {
	out := []int64{0}
	for i, c := range text {
		if c == '\n' {
			out = append(out, int64(i)+1)
		}
	}
	return out
}

// offset is the place of a line and column, both from 1.
func (j *judge) offset(line, column int) int64 {
	i := max(0, min(line-1, len(j.lines)-1))
	return min(j.p.Size, j.lines[i]+int64(max(0, column-1)))
}

// line is the number of the line that an offset is in.
func (j *judge) line(off int64) int {
	return sort.Search(len(j.lines), func(i int) bool { return j.lines[i] > off })
}

// salvage says what a file that does not parse seems to do; another reader may forgive what ours did not.
func (j *judge) salvage(text []byte) {
	for _, sign := range []string{"!!python/", "tag:yaml.org,2002:python/", "!ruby/", "!!javax."} {
		if i := bytes.Index(text, []byte(sign)); i >= 0 {
			j.p.ReportAt(pythonTag, validate.Place{Offset: int64(i), Line: j.line(int64(i))}, "%s in a file that does not parse", sign)
		}
	}
	for _, line := range strings.Split(string(text), "\n") {
		if key, value, ok := strings.Cut(line, ":"); ok && strings.Trim(key, " -\"'") == "_target_" {
			j.target("_target_", strings.Trim(value, " \"'\r"), int64(bytes.Index(text, []byte(line))))
		}
	}
}
