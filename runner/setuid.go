package runner

import "os"

// refuseSetID ends a run of a set-user-ID or set-group-ID copy of this program: paths, policy and environment are the
// caller's, so it must not act on them with somebody else's rights.
func refuseSetID() error {
	if os.Getuid() == os.Geteuid() && os.Getgid() == os.Getegid() {
		return nil
	}
	return &UsageError{What: "this program has its set-user-ID or set-group-ID bit set, and would act for its owner", Hint: "chmod ug-s the program; loadlock needs no privileges of its own"}
}
