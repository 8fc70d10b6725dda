package attack

// lifecycle are attacks on other processes, and on the end of a run.
func lifecycle() []Check { return nil }
