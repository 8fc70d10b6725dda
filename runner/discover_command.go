package runner

import (
	"bytes"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
)

// launch is the command after every script was replaced by its interpreter, as the kernel does it
// (fs/binfmt_script.c): the box then executes a program, and scripts need not lie on an executable mount.
type launch struct {
	program
	argv    []string
	scripts []program // the command itself when it is a script, then interpreters that are scripts
}

// maxInterpreters is how many scripts in a row the kernel follows (fs/exec.c, exec_binprm).
const maxInterpreters = 5

// maxFirstLines holds the lines that name an interpreter; the kernel reads 256 bytes, pip's second line
// holds a path.
const maxFirstLines = 8 << 10

// command resolves the command down to a program.
func (f *finder) command() (launch, error) {
	l := launch{argv: slices.Clone(f.in.Args)}
	for {
		p, err := f.locate(l.argv[0], nil)
		if err == nil {
			p, err = f.unshim(p)
		}
		if err != nil {
			return launch{}, l.blame(err)
		}
		line, text, err := f.firstLine(p)
		if err != nil {
			return launch{}, l.blame(err)
		}
		if line == "" {
			l.program = p
			l.argv[0] = p.path
			return l, nil
		}
		if l.scripts = append(l.scripts, p); len(l.scripts) > maxInterpreters {
			return launch{}, &CommandError{Path: l.scripts[0].path, Code: codeNotExecutable,
				What: "its interpreter is a script, whose interpreter is a script, and so on", Hint: "correct the #! lines"}
		}
		l.rewrite(interpreterOf(p, line, text), p)
	}
}

// rewrite puts the interpreter in front. A relative name that the user typed stays: programs print it.
func (l *launch) rewrite(interpreter []string, p program) {
	if len(l.scripts) > 1 || p.shim || !strings.Contains(l.argv[0], "/") {
		l.argv[0] = p.path
	}
	l.argv = slices.Concat(interpreter, l.argv)
}

// blame says which script asked for the interpreter that is missing.
func (l *launch) blame(err error) error {
	var ce *CommandError
	if len(l.scripts) == 0 || !errors.As(err, &ce) {
		return err
	}
	out := &CommandError{Path: l.scripts[len(l.scripts)-1].path, Code: codeNotExecutable, Hint: ce.Hint,
		What: fmt.Sprintf("its interpreter %q: %s", ce.Path, ce.What)}
	if !strings.Contains(l.argv[0], "/") {
		out.Code = ce.Code // env reports its own search, with the status of a shell
	}
	if strings.HasSuffix(ce.Path, "\r") {
		out.Hint = "its first line ends in a carriage return; convert the file to Unix line ends"
	}
	return out
}

// firstLine is what follows "#!" in a script, and the text after that line; empty for a program.
func (f *finder) firstLine(p program) (line, text string, err error) {
	head, err := f.head(p.found.real, maxFirstLines)
	if err != nil {
		return "", "", &CommandError{Path: p.path, Code: codeNotExecutable,
			What: "cannot be read, so what would run is unknown: " + cause(err).Error()}
	}
	if bytes.HasPrefix(head, []byte("\x7fELF")) {
		return "", "", nil
	}
	rest, ok := bytes.CutPrefix(head, []byte("#!"))
	if ok {
		first, after, _ := strings.Cut(string(rest), "\n")
		if line = strings.Trim(first, " \t"); line != "" && !strings.ContainsRune(line, 0) {
			return line, after, nil
		}
	}
	return "", "", &CommandError{Path: p.path, Code: codeNotExecutable, What: "neither a program nor a script that names its interpreter",
		Hint: "name the interpreter, or begin the file with #!"}
}

// interpreterOf is the interpreter that a script's first lines name, with its argument.
func interpreterOf(p program, line, text string) []string {
	name, arg, _ := strings.Cut(strings.ReplaceAll(line, "\t", " "), " ")
	arg = strings.TrimLeft(arg, " ")
	if name == "/bin/sh" {
		if python := trampoline(p, text); python != "" {
			return []string{python}
		}
	}
	if name == "/usr/bin/env" || name == "/bin/env" {
		if words := envWords(arg); len(words) > 0 {
			return words
		}
	}
	if !strings.Contains(name, "/") {
		name = "./" + name // the kernel does not search PATH
	}
	if arg == "" {
		return []string{name}
	}
	return []string{name, arg} // one argument, however many words
}

// envWords is the command that env would run, or nothing when env does more than look it up; env itself
// runs inside then. Resolving it here is what finds the venv behind "env python3".
func envWords(arg string) []string {
	words := []string{arg}
	if split, ok := strings.CutPrefix(arg, "-S"); ok {
		if strings.ContainsAny(split, `"'\$#`) {
			return nil
		}
		words = strings.Fields(split)
	}
	if len(words) == 0 || words[0] == "" || strings.HasPrefix(words[0], "-") || strings.Contains(words[0], "=") {
		return nil
	}
	return words
}

// trampoline finds the Python behind the /bin/sh lines that installers write when the path of a virtual
// environment is too long for "#!" or contains a space (pip's vendored distlib, scripts.py; uv).
func trampoline(p program, text string) string {
	line, _, _ := strings.Cut(text, "\n")
	rest, ok := strings.CutPrefix(line, "'''exec' ")
	if !ok {
		return ""
	}
	rest, ok = strings.CutSuffix(strings.TrimRight(rest, " \t\r"), ` "$0" "$@"`)
	if !ok {
		return ""
	}
	if beside, ok := strings.CutPrefix(rest, `"$(dirname -- "$(realpath -- "$0")")"/`); ok {
		beside = strings.Trim(beside, `'"`)
		if beside == "" || strings.ContainsAny(beside, `'"\$/`) {
			return ""
		}
		return filepath.Join(filepath.Dir(p.found.real), beside)
	}
	if n := len(rest); n > 2 && (rest[0] == '"' || rest[0] == '\'') && rest[n-1] == rest[0] {
		rest = rest[1 : n-1]
	} else if strings.Contains(rest, " ") {
		return ""
	}
	if !filepath.IsAbs(rest) || strings.ContainsAny(rest, "\"'\\$`") {
		return ""
	}
	return rest
}
