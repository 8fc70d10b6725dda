package attack

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// What is left in the folder of --output.

// leaveOddFiles leaves one result and what must not be followed, opened or copied.
func leaveOddFiles(in *Inside) string {
	at := func(name string) string { return filepath.Join(in.Output, name) }
	for _, err := range []error{
		os.WriteFile(at("result"), []byte("result"), 0o644),
		os.Symlink(in.Secret, at("link")),
		os.Symlink(in.Dir, at("folder-link")),
		unix.Mkfifo(at("fifo"), 0o666),
		os.WriteFile(at("sparse"), nil, 0o644),
		os.Truncate(at("sparse"), 1<<40),
	} {
		if err != nil && Errno(err) != "EPERM" { // the filter refuses mknod: then there is no FIFO to skip
			return Errno(err)
		}
	}
	return "left"
}

func oddFilesCopied(h *Host, _ Ended) string {
	list, err := os.ReadDir(h.Output)
	if err != nil {
		return Errno(err)
	}
	for _, e := range list {
		if e.Name() != "result" || !e.Type().IsRegular() {
			return "through"
		}
	}
	if len(list) != 1 {
		return "no-result"
	}
	_ = os.Remove(filepath.Join(h.Output, "result"))
	return "only-the-result"
}

// swapForEver leaves a folder with a file in it and a link to a folder of the host, and a process that exchanges the
// two for as long as it lives.
func swapForEver(in *Inside) string {
	folder, link := filepath.Join(in.Output, "a"), filepath.Join(in.Output, "b")
	if err := os.Mkdir(folder, 0o755); err != nil {
		return Errno(err)
	}
	if err := os.WriteFile(filepath.Join(folder, "inside"), []byte(in.Mark), 0o644); err != nil {
		return Errno(err)
	}
	if err := os.Symlink(in.Dir, link); err != nil {
		return Errno(err)
	}
	if _, why := Fork(1, unix.SYS_RENAMEAT2, unix.AT_FDCWD, folder, unix.AT_FDCWD, link, unix.RENAME_EXCHANGE); why != "through" {
		return why
	}
	return "swapping"
}

// deep is how many folders are nested. Copying out resolves a path again for every file, so that depth costs its square.
const deep = 500

// leaveManyFiles leaves nested folders, small files, and names that are hostile to a terminal and to JSON.
func leaveManyFiles(in *Inside) string {
	if err := os.Chdir(in.Output); err != nil {
		return Errno(err)
	}
	for _, name := range []string{"\x1b]0;title\x07", "new\nline", "\xff\xfe", strings.Repeat("n", 255), `"quoted"`} {
		if err := os.WriteFile(name, nil, 0o644); err != nil {
			return Errno(err)
		}
	}
	for i := range 300 {
		if err := os.WriteFile(fmt.Sprintf("file-%d", i), nil, 0o644); err != nil {
			return Errno(err)
		}
	}
	for range deep {
		if err := os.Mkdir("d", 0o755); err != nil {
			return Errno(err)
		}
		if err := os.Chdir("d"); err != nil {
			return Errno(err)
		}
	}
	return "left"
}

// manyFilesCopied looks at what was copied and how it was named, and removes it.
func manyFilesCopied(h *Host, e Ended) string {
	defer func() { _ = os.RemoveAll(h.Output); _ = os.Mkdir(h.Output, 0o755) }()
	for _, line := range e.Skipped {
		if strings.ContainsFunc(line, func(r rune) bool { return r < ' ' || r == 0x7f }) {
			return "unquoted"
		}
	}
	switch {
	case exists(filepath.Join(h.Output, strings.Repeat("d/", deep/2))):
		return "deep"
	case !exists(filepath.Join(h.Output, "file-299")):
		return "lost"
	}
	return "bounded"
}

// skippedAll says whether each name is in the list of what was skipped, unless it could not be made.
func skippedAll(skipped []string, names ...string) string {
	all := strings.Join(skipped, "\n")
	for _, n := range names {
		if !strings.Contains(all, n) && n != "fifo" {
			return "missing-" + n
		}
	}
	return "all"
}
