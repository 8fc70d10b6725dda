package runner

import (
	"fmt"
	"io"
)

// Text prints a proposal as a difference to the policy that holds.
func (p Proposal) Text(w io.Writer, style Style) {
	if len(p.Lines)+len(p.Flags) == 0 {
		fmt.Fprintf(w, "loadlock: learned: this run shows nothing that the policy should change\n")
	} else {
		fmt.Fprintf(w, "loadlock: learned from one run; nothing was changed\n\n--- policy %s\n+++ policy learned\n", Plain(p.Base))
	}
	for _, c := range p.Lines {
		if c.Old != "" {
			fmt.Fprintln(w, style.paint("31", "-"+Plain(c.Old)))
		}
		if c.New != "" {
			fmt.Fprintln(w, style.paint("32", "+"+Plain(c.New)))
		}
		reasonOf(w, c)
	}
	if len(p.Flags) > 0 {
		fmt.Fprintln(w, "\non the command line:")
	}
	for _, c := range p.Flags {
		fmt.Fprintln(w, style.paint("32", "+"+Plain(c.New)))
		reasonOf(w, c)
	}
	if len(p.Never) > 0 {
		fmt.Fprintln(w, "\nrefused, and not proposed:")
	}
	for _, c := range p.Never {
		fmt.Fprintf(w, "  %s: %s\n", Plain(c.New), Plain(c.Why))
	}
	for _, n := range p.Notes {
		fmt.Fprintf(w, "%s %s\n", style.paint("33", "note:"), Plain(n))
	}
}

// reasonOf prints what a line is for, and what it costs.
func reasonOf(w io.Writer, c Change) {
	fmt.Fprintf(w, "     for:  %s\n", Plain(c.Why))
	if c.Cost != "" {
		fmt.Fprintf(w, "     cost: %s\n", Plain(c.Cost))
	}
}
