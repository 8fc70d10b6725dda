// Package advise says what stood in a command's way, which layer put it there, what would let it through, and what
// that would cost in safety.
//
// Knowledge is in tables, not in code:
//
//	texts.go      error messages of interpreters, compilers and shells → what was wanted
//	obstacles.go  what was wanted and not had → why, and which remedies
//	calls.go      refused system call and argument → what it is for, and which remedies
//	remedies.go   remedy → policy line, flag, cost
//	gpu_*.go      error of a GPU's libraries → what it means here, causes, checks
//	layers.go     layer → what it stops, how to see it, what weakening costs
//
// The package is pure: it reads no file and starts nothing. Package runner compares the messages with what exists on
// the host and inside (Obstacle says which it was), and prints.
//
// # What is not seen
//
// A refused open, a missing file and a missing variable pass no system-call filter. They are read from the tail of
// the command's stderr, where that passes through loadlock; a program that reports in words of its own is not
// understood. A message is a claim of the command, and hostile code can write any message: advice is for a person
// who knows what the command is for. Nothing here ever permits anything.
package advise
