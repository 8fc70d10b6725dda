// Package terminal stands between a program that is not trusted and the terminal of a user.
//
// The program gets a pseudo-terminal of its own and never a descriptor of the user's: what can be done to a terminal
// through a descriptor (TIOCSTI types into it, CVE-2017-5226) is then done to one that nobody looks at. What the
// program draws passes a Filter, because a terminal also takes orders from its output: to set a title and type it
// back, to write the clipboard, to print. Sequences that only draw pass; tables.go has each with its reason.
package terminal
