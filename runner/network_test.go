package runner

import (
	"errors"
	"fmt"
	"testing"

	"github.com/loadlock/loadlock/policy"
)

func TestPublishReadsWhatDockerReads(t *testing.T) {
	for s, want := range map[string]string{
		"8000:8000":                 "127.0.0.1:8000 8000 loopback",
		"80:8000":                   "127.0.0.1:80 8000 loopback",
		"0:8000":                    "127.0.0.1:0 8000 loopback",
		"127.0.0.1:8000:9000":       "127.0.0.1:8000 9000 loopback",
		"127.8.8.8:8000:9000":       "127.8.8.8:8000 9000 loopback",
		"[::1]:8000:9000":           "[::1]:8000 9000 loopback",
		"0.0.0.0:8000:9000":         "0.0.0.0:8000 9000 any",
		"[::]:8000:9000":            "[::]:8000 9000 any",
		"192.168.1.2:80:9000":       "192.168.1.2:80 9000 any",
		"8000:8000/tcp":             "127.0.0.1:8000 8000 loopback",
		"[::ffff:127.0.0.1]:1:2000": "127.0.0.1:1 2000 loopback",
	} {
		p, err := ParsePublish(s)
		scope := map[policy.Publish]string{policy.PublishLoopback: "loopback", policy.PublishAny: "any"}[wanted([]Publish{p})]
		if got := fmt.Sprintf("%s %d %s", p.At, p.Inside, scope); err != nil || got != want {
			t.Errorf("%s: got %s, %v", s, got, err)
		}
	}
	for _, s := range []string{"", "8000", ":8000", "8000:", "a:8000", "8000:a", "-1:8000", "70000:8000", "8000:70000", "8000:80", "8000:1023", "8000:3128", "localhost:1:2000", "1.2.3:1:2000", "8000:8000/udp", "8000-8010:8000", "fe80::1%lo:80:8000", "[fe80::1%25lo]:80:8000"} {
		var usage *UsageError
		if p, err := ParsePublish(s); !errors.As(err, &usage) || usage.Hint == "" {
			t.Errorf("%q: %+v, %v", s, p, err)
		}
	}
	if wanted(nil) != policy.PublishNone {
		t.Error("nothing published needs a permission")
	}
}

func TestConnectionsAreSummedUp(t *testing.T) {
	got := networkUse([]NetworkDecision{{Verdict: "refused", Count: 3}, {Verdict: "allowed", Count: 1, Up: 1 << 20, Down: 5}, {Verdict: "allowed", Count: 2, Up: 0, Down: 1 << 30}})
	if fmt.Sprint(got) != "[3 connections allowed (1 MiB out, 1 GiB in) 3 connections refused]" {
		t.Errorf("%q", got)
	}
}
