package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"

	"github.com/loadlock/loadlock/runner"
	"golang.org/x/sys/unix"
)

// say prints; an output that cannot be written to has nobody to tell.
func say(w io.Writer, format string, args ...any) { _, _ = fmt.Fprintf(w, format, args...) }

func printJSON(w io.Writer, v any) {
	if err := writeJSON(w, v); err != nil {
		say(os.Stderr, "loadlock: %v\n", err)
	}
}

func writeJSON(w io.Writer, v any) error {
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	return enc.Encode(v)
}

// style is colour on a terminal that wants it (no-color.org).
func style() runner.Style {
	return runner.Style{Colour: isTerminal(os.Stderr) && os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb" && os.Getenv("TERM") != ""}
}

func isTerminal(f *os.File) bool {
	_, err := unix.IoctlGetTermios(int(f.Fd()), unix.TCGETS)
	return err == nil
}
