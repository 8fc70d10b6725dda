package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/loadlock/loadlock/runner"
)

// refs gathers what is to be scanned: arguments, lists, standard input, the staging area. cleanUp removes the copies
// that were made for it, and must be called also after an error.
func (f *scanFlags) refs(ctx context.Context, args []string) (refs []runner.ScanRef, cleanUp func(), err error) {
	var folders []string
	cleanUp = func() {
		for _, dir := range folders {
			_ = os.RemoveAll(dir) // nobody to tell
		}
	}
	temporary := func() (string, error) {
		dir, err := os.MkdirTemp("", "loadlock-scan-")
		if err == nil {
			folders = append(folders, dir)
		}
		return dir, err
	}
	names := args
	if f.fromFile != "" {
		listed, err := readList(f.fromFile)
		if err != nil {
			return nil, cleanUp, err
		}
		names = append(names, listed...)
	}
	for _, name := range names {
		ref := runner.ScanRef{Path: name, Name: name}
		if name == "-" {
			if f.fromFile == "-" {
				return nil, cleanUp, &runner.UsageError{What: "standard input is both a list and a model", Hint: "put the list into a file"}
			}
			dir, err := temporary()
			if err == nil {
				ref.Path, err = saveStdin(dir)
			}
			if err != nil {
				return nil, cleanUp, &runner.UsageError{What: "standard input could not be kept: " + err.Error(), Hint: "free space in the folder for temporary files, or point TMPDIR to one with room"}
			}
		}
		refs = append(refs, ref)
	}
	if f.staged {
		dir, err := temporary()
		if err != nil {
			return nil, cleanUp, err
		}
		staged, err := stagedFiles(ctx, dir)
		if err != nil {
			return nil, cleanUp, err
		}
		if refs = append(refs, staged...); len(refs) == 0 {
			return nil, cleanUp, status(0) // a commit without files has nothing that could be refused
		}
	}
	if len(refs) == 0 {
		if f.fromFile != "" {
			say(os.Stderr, "loadlock: %s names nothing to scan\n", f.fromFile)
			return nil, cleanUp, status(runner.ScanNothing)
		}
		return nil, cleanUp, errNoRefs
	}
	if f.shard != "" {
		if refs, err = part(refs, f.shard); err == nil && len(refs) == 0 {
			say(os.Stderr, "loadlock: shard %s is empty\n", f.shard)
			err = status(0) // the other shards have the models
		}
	}
	return refs, cleanUp, err
}

// readList reads references: NUL-separated when there is a NUL (find -print0), else one a line.
func readList(name string) ([]string, error) {
	in := os.Stdin
	if name != "-" {
		var err error
		if in, err = os.Open(name); err != nil {
			return nil, &runner.UsageError{What: err.Error(), Hint: "check the path given to --from-file"}
		}
		defer in.Close()
	}
	const most = 64 << 20
	raw, err := io.ReadAll(io.LimitReader(in, most+1))
	if err == nil && len(raw) > most {
		err = fmt.Errorf("a list of more than %d bytes", most)
	}
	if err != nil {
		return nil, fmt.Errorf("list: %w", err)
	}
	sep := "\n"
	if bytes.IndexByte(raw, 0) >= 0 {
		sep = "\x00"
	}
	var out []string
	for line := range strings.SplitSeq(string(raw), sep) {
		if sep == "\n" {
			line = strings.TrimSuffix(line, "\r")
		}
		if line != "" {
			out = append(out, line)
		}
	}
	return out, nil
}

// saveStdin keeps standard input as a file, because a scanner reads at any place.
func saveStdin(dir string) (string, error) {
	name := filepath.Join(dir, "stdin")
	out, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return "", err
	}
	if _, err := io.Copy(out, os.Stdin); err != nil {
		out.Close()
		return "", err
	}
	return name, out.Close()
}

// stagedFiles writes what is staged (added, copied, changed, renamed) below dir, as git would commit it, and not what
// the working tree has.
func stagedFiles(ctx context.Context, dir string) ([]runner.ScanRef, error) {
	git := func(stdin []byte, args ...string) ([]byte, error) {
		cmd := exec.CommandContext(ctx, "git", args...)
		cmd.Stdin = bytes.NewReader(stdin)
		var stderr bytes.Buffer
		cmd.Stderr = &stderr
		out, err := cmd.Output()
		if err != nil {
			return nil, &runner.UsageError{What: fmt.Sprintf("--staged: git %s: %v %s", args[0], err, strings.TrimSpace(stderr.String())), Hint: "run it inside a git repository, with git installed"}
		}
		return out, nil
	}
	names, err := git(nil, "diff", "--cached", "--name-only", "--no-ext-diff", "-z", "--diff-filter=ACMRT")
	if err != nil || len(names) == 0 {
		return nil, err
	}
	top, err := git(nil, "rev-parse", "--show-toplevel")
	if err != nil {
		return nil, err
	}
	// checkout-index takes names relative to the working directory; -C makes both commands agree on the top.
	if _, err := git(names, "-C", strings.TrimSuffix(string(top), "\n"), "checkout-index", "-z", "--stdin", "--prefix="+dir+"/"); err != nil {
		return nil, err
	}
	var refs []runner.ScanRef
	for name := range strings.SplitSeq(strings.TrimSuffix(string(names), "\x00"), "\x00") {
		refs = append(refs, runner.ScanRef{Path: filepath.Join(dir, filepath.FromSlash(name)), Name: name})
	}
	return refs, nil
}

// part is the i-th of n parts, in turn, so that a list in order of size spreads.
func part(refs []runner.ScanRef, shard string) (out []runner.ScanRef, err error) {
	first, second, _ := strings.Cut(shard, "/")
	i, err1 := strconv.Atoi(first)
	n, err2 := strconv.Atoi(second)
	if err1 != nil || err2 != nil || i < 1 || n < i {
		return nil, &runner.UsageError{What: fmt.Sprintf("--shard %q is not i/n", shard), Hint: "write --shard 1/4 to --shard 4/4"}
	}
	for k := i - 1; k < len(refs); k += n {
		out = append(out, refs[k])
	}
	return out, nil
}
