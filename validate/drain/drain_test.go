package drain

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/ulikunitz/xz/lzma"
)

// late is a decoder that reports an error before the bytes that came in front of it.
type late struct {
	rest io.Reader
	told bool
}

var errCut = errors.New("cut")

func (l *late) Read(b []byte) (int, error) {
	if !l.told {
		l.told = true
		return 0, errCut
	}
	n, _ := l.rest.Read(b)
	return n, errCut
}

func TestBytesThatComeAfterTheErrorComeBeforeIt(t *testing.T) {
	for name, test := range map[string]struct {
		max  int64
		want string
	}{"all of them": {100, "payload"}, "no more than the bound": {3, "pay"}, "none": {0, ""}} {
		t.Run(name, func(t *testing.T) {
			got, err := io.ReadAll(Reader(&late{rest: strings.NewReader("payload")}, test.max))
			if string(got) != test.want || !errors.Is(err, errCut) {
				t.Errorf("%q, %v", got, err)
			}
		})
	}
}

func TestAStreamThatEndsIsLeftAlone(t *testing.T) {
	got, err := io.ReadAll(Reader(strings.NewReader("whole"), 100))
	if string(got) != "whole" || err != nil {
		t.Errorf("%q, %v", got, err)
	}
}

func TestACutLZMAStreamGivesWhatItHeld(t *testing.T) {
	var packed bytes.Buffer
	w, err := lzma.WriterConfig{DictCap: 1 << 16}.NewWriter(&packed)
	if err != nil {
		t.Fatal(err)
	}
	text := strings.Repeat("a payload, ", 20) + strings.Repeat("0123456789abcdefghijklmnopqrstuvwxyz", 3)
	if _, err := io.WriteString(w, text); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	r, err := lzma.ReaderConfig{DictCap: 1 << 16}.NewReader(bytes.NewReader(packed.Bytes()[:packed.Len()-12]))
	if err != nil {
		t.Fatal(err)
	}
	got, err := io.ReadAll(Reader(r, 1<<16))
	if err == nil || !bytes.HasPrefix(got, []byte("a payload, a payload")) {
		t.Errorf("%q, %v", got, err)
	}
}

func TestTheFirstChunkOfABrokenLZMA2Stream(t *testing.T) {
	var packed bytes.Buffer
	w, err := lzma.Writer2Config{DictCap: 1 << 16}.NewWriter2(&packed)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(w, strings.Repeat("a payload, ", 20)+strings.Repeat("0123456789abcdefghijklmnopqrstuvwxyz", 3)); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	r, err := FirstChunk(bytes.NewReader(packed.Bytes()[:packed.Len()-12]), 1<<16)
	if err != nil {
		t.Fatal(err)
	}
	got, err := io.ReadAll(r)
	if err == nil || !bytes.HasPrefix(got, []byte("a payload, a payload")) {
		t.Errorf("%q, %v", got, err)
	}
	for name, data := range map[string]string{"short": "\xe0\x00", "stored": "\x01\x00\x00abcdef"} {
		if _, err := FirstChunk(strings.NewReader(data), 1<<16); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}
