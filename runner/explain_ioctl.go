package runner

import (
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/loadlock/loadlock/isolate"
)

// explainCommands lists the commands of ioctl that pass beside a granted GPU, by vendor, and those that are left out.
func explainCommands(w io.Writer, style Style) {
	fmt.Fprintf(w, "\n%s\n", style.paint("1", "beside a granted GPU (gpu.ioctl_filter: strict) these commands of its driver pass, and no others:"))
	listed, left := map[string][]string{}, map[string][]string{}
	var vendors []string
	for _, c := range isolate.Commands() {
		if len(vendors) == 0 || vendors[len(vendors)-1] != c.Vendor {
			vendors = append(vendors, c.Vendor)
		}
		line := fmt.Sprintf("    %-10s %-5s %s", fmt.Sprintf("%#x", c.Word), map[bool]string{true: "any"}[c.AnySize], c.Name)
		if c.Since > 0 {
			line += fmt.Sprintf("  (since %d)", c.Since)
		}
		if c.Until > 0 {
			line += fmt.Sprintf("  (until %d)", c.Until)
		}
		if c.LeftOut != "" {
			left[c.Vendor] = append(left[c.Vendor], line+": "+c.LeftOut)
			continue
		}
		listed[c.Vendor] = append(listed[c.Vendor], line)
	}
	for _, v := range vendors {
		fmt.Fprintf(w, "\n%s\n%s\n  left out:\n%s\n", style.paint("1", v), strings.Join(listed[v], "\n"), strings.Join(left[v], "\n"))
	}
}

// explainCommand is the page of one command of ioctl, by its name or its number. It reports false when no list has it.
func explainCommand(w io.Writer, what string, style Style) bool {
	word, err := strconv.ParseUint(what, 0, 32)
	found := false
	for _, c := range isolate.Commands() {
		if c.Name != what && (err != nil || !c.Is(uint32(word))) {
			continue
		}
		found = true
		size, branches, state := "of this size", "", "passes where a GPU of the vendor is granted"
		if c.AnySize {
			size = "of any size"
		}
		if c.Since > 0 {
			branches = fmt.Sprintf(", since driver branch %d", c.Since)
		}
		if c.Until > 0 {
			branches += fmt.Sprintf(", until driver branch %d", c.Until)
		}
		if c.LeftOut != "" {
			state = "left out: " + c.LeftOut
		}
		fmt.Fprintf(w, "%s  a command of ioctl (%s): %#x, %s%s\nstate:     %s\n", style.paint("1", c.Name), c.Vendor, c.Word, size, branches, state)
	}
	if found {
		fmt.Fprintf(w, "\nbeside a GPU only listed commands are carried out; gpu.ioctl_filter: log in the policy carries out the others too, and names them\n")
	}
	return found
}
