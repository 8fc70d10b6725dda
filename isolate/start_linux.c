//go:build linux && cgo

// What a parent may have left us with that would make every use of this program go wrong. A constructor, because the
// program is several processes, and not all of them come to Go.
#include <signal.h>

__attribute__((constructor(101))) static void loadlock_start(void) {
	// With SIGCHLD ignored the kernel reaps children itself, and nobody learns how they ended (wait(2)).
	signal(SIGCHLD, SIG_DFL);
}
