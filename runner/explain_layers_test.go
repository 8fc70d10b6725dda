package runner

import (
	"bytes"
	"strings"
	"testing"

	"github.com/loadlock/loadlock/isolate"
	"github.com/loadlock/loadlock/runner/advise"
)

func TestEveryLayerHasItsPage(t *testing.T) {
	for _, l := range isolate.Layers() {
		p, ok := advise.Layers()[l.Name]
		if !ok || p.Stops == "" || p.See == "" || p.Weakened == "" {
			t.Errorf("%s: %+v", l.Name, p)
		}
	}
	if len(advise.Layers()) != len(isolate.Layers()) {
		t.Errorf("%d pages, %d layers", len(advise.Layers()), len(isolate.Layers()))
	}
}

// A report is shown on a terminal, and parts of it were written by the command.
func TestRefusedIsHarmlessForATerminal(t *testing.T) {
	res := Result{Exit: &isolate.Exit{}, Status: 1, Obstacles: []advise.Obstacle{{Kind: advise.PathOutside, What: "/x\x1b]0;owned\a", By: "a\x1b[2J", Text: "\x1b[31m"}},
		Denials: []isolate.Denial{{Call: "socket", Arg: "AF_INET", Errno: "EPERM", Count: 2, Program: "/tmp/\x1b[H", Library: "\x1b[K"}}}
	var b bytes.Buffer
	Refused(&b, res, Style{})
	Summary(&b, res, Style{})
	if strings.ContainsRune(b.String(), '\x1b') || strings.ContainsRune(b.String(), '\a') {
		t.Errorf("%q", b.String())
	}
	if !strings.Contains(b.String(), "owned") || !strings.Contains(b.String(), "2 times") {
		t.Errorf("%s", b.String())
	}
}
