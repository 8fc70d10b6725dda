package isolate

import "time"

// Denial is one kind of refused system call, and how often it was refused.
type Denial struct {
	Call    string        `json:"call"`  // "socket"; "unknown" for a number that has no name here
	Arg     string        `json:"arg"`   // what distinguishes it: "AF_NETLINK", "CLONE_NEWUSER"; or empty
	Errno   string        `json:"errno"` // what the caller was answered: "EPERM"; empty: it went on, see Box.Noted
	Count   int64         `json:"count"`
	Program string        `json:"program"`         // of the first one: the executable as seen inside, or the thread's name
	Library string        `json:"library"`         // of the first one: the file that holds the instruction, often libc
	Usual   string        `json:"usual,omitempty"` // why it is nothing to worry about: ordinary programs try it, and go on without
	First   time.Duration `json:"first_ns"`        // since the command was started
	Last    time.Duration `json:"last_ns"`
}
