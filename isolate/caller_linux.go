package isolate

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
)

// maxMaps bounds what is read of a process's list of mappings, bytes. A hostile one can be of hundreds of MiB.
const maxMaps = 1 << 20

// maxName bounds a name in the report, bytes. A path of the workload's can be of thousands.
const maxName = 256

// whoCalled says which program a thread runs, as seen inside, and which file holds the instruction that made the
// call. Both are names that the workload chose: they are to be shown, not believed. The thread waits meanwhile.
// No stack is walked: for Python the file is the C library or the interpreter's.
func whoCalled(tid int, ip uint64) (program, library string) {
	proc := fmt.Sprintf("/proc/%d/", tid)
	program, err := os.Readlink(proc + "exe")
	if err != nil {
		raw, _ := os.ReadFile(proc + "comm")
		program = strings.TrimSpace(string(raw))
	}
	maps, err := os.Open(proc + "maps")
	if err != nil {
		return clip(program), ""
	}
	defer maps.Close()
	return clip(program), clip(mappingOf(io.LimitReader(maps, maxMaps), ip))
}

func clip(name string) string {
	if len(name) > maxName {
		return name[:maxName-len("…")] + "…"
	}
	return name
}

// mappingOf finds the name of the mapping that contains an address in proc_pid_maps(5).
func mappingOf(maps io.Reader, ip uint64) string {
	for sc := bufio.NewScanner(maps); sc.Scan(); {
		span, rest, _ := strings.Cut(sc.Text(), " ")
		from, to, _ := strings.Cut(span, "-")
		start, err1 := strconv.ParseUint(from, 16, 64)
		end, err2 := strconv.ParseUint(to, 16, 64)
		if err1 != nil || err2 != nil || ip < start {
			return "" // the list is sorted
		}
		if ip >= end {
			continue
		}
		for range 4 { // permissions, offset, device, inode
			_, rest, _ = strings.Cut(strings.TrimLeft(rest, " "), " ")
		}
		if name := strings.TrimLeft(rest, " "); name != "" {
			return name
		}
		return "memory without a file"
	}
	return ""
}
