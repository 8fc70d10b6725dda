package main

import "github.com/loadlock/loadlock/isolate"

// This init function is one on purpose: libcontainer's re-executed child must take over on the start-up thread.
func init() { isolate.Init() }
