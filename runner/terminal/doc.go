// Package terminal stands between a program that is not trusted and the terminal of a user.
//
// The program gets a pseudo-terminal of its own and never a descriptor of the user's: what can be done to a terminal
// through a descriptor (TIOCSTI types into it, CVE-2017-5226) is then done to one that nobody looks at. What the
// program draws passes a Filter, because a terminal also takes orders from its output: to set a title and type it
// back, to write the clipboard, to print. Sequences that only draw pass; tables.go has each with its reason.
//
// # Theory of operation
//
//	keys ──► user's terminal ──► keyboard ──► master ┐ pseudo-  ┌──► command's stdin
//	                                                 │ terminal │
//	         user's terminal ◄── screen, Filter ◄────┘          └◄── stdout, stderr
//
// While the command is in the foreground of its pseudo-terminal, the user's terminal is in raw mode: a key is a byte to
// us, and the pseudo-terminal makes of it what the user's would have made, signals among them. Otherwise the user's
// terminal is in its usual mode and nothing is read from it: what is typed may be for another member of the pipeline, or
// for the shell afterwards. A command that reads, or sets, its terminal from there is stopped by the kernel (SIGTTIN,
// SIGTTOU), which pid 1 of the box reports, and then gets the foreground.
//
// A command that was stopped by its terminal's key stops the whole job, with the terminal as it was, and is continued with
// it. While the terminal is raw, a process of its own (Watcher) waits for our end, to restore it then: SIGKILL leaves no
// time for more. What the command left switched, such as the alternate screen, is switched back by either.
package terminal
