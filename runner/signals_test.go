package runner

import (
	"context"
	"errors"
	"os"
	"testing"
	"time"

	"github.com/loadlock/loadlock/isolate"
	"golang.org/x/sys/unix"
)

func TestPatienceWithACommandThatDoesNotEndIsFinite(t *testing.T) {
	for _, tt := range []struct {
		what    string
		signals []unix.Signal
		running bool
		gaveUp  unix.Signal // 0: not
	}{
		{"SIGTERM", []unix.Signal{unix.SIGTERM}, true, unix.SIGTERM},
		{"SIGHUP", []unix.Signal{unix.SIGHUP}, true, unix.SIGHUP},
		{"SIGUSR1", []unix.Signal{unix.SIGUSR1}, true, 0},
		{"Ctrl-C twice", []unix.Signal{unix.SIGINT, unix.SIGINT}, true, 0},
		{"Ctrl-C three times", []unix.Signal{unix.SIGINT, unix.SIGINT, unix.SIGINT}, true, unix.SIGINT},
		{"the window's size before the command runs", []unix.Signal{unix.SIGWINCH}, false, 0},
		{"SIGTERM before the command runs", []unix.Signal{unix.SIGTERM}, false, unix.SIGTERM},
	} {
		signals := make(chan os.Signal, len(tt.signals))
		r := run{job: Job{Signals: signals}, box: &isolate.Box{}, running: tt.running, patience: 20 * time.Millisecond}
		ctx, giveUp := context.WithCancelCause(context.Background())
		go r.signals(ctx, giveUp)
		for _, s := range tt.signals {
			signals <- s
		}
		wait := 10 * time.Second
		if tt.gaveUp == 0 {
			wait = 200 * time.Millisecond
		}
		select {
		case <-ctx.Done():
		case <-time.After(wait):
		}
		var by SignalError
		if errors.As(context.Cause(ctx), &by); unix.Signal(by) != tt.gaveUp {
			t.Errorf("%s: gave up for %v", tt.what, context.Cause(ctx))
		}
		giveUp(nil)
	}
}
