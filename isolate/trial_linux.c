//go:build linux && cgo

// The trial: a child in namespaces of its own takes the steps that a box needs of the kernel, and says at which of them
// it was refused (TryNamespaces). A constructor, as pid 1 is, so that no Go runtime starts.
#define _GNU_SOURCE
#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <unistd.h>

__attribute__((constructor)) static void loadlock_trial(int argc, char **argv) {
	if (argc != 1 || strcmp(argv[0], "/.loadlock/trial") != 0)
		return;
	const unsigned long flags = MS_NOSUID | MS_NODEV | MS_NOEXEC;
	int32_t step = 0; // keep in step with trialSteps in trial_linux.go
	errno = 0;
	if (mount("", "/", NULL, MS_REC | MS_PRIVATE, NULL))
		step = 1;
	else if (mount("proc", "/proc", "proc", flags, NULL))
		step = 2;
	else if (mount("tmpfs", "/proc", "tmpfs", flags, "size=64k"))
		step = 3;
	else if (chdir("/proc") || syscall(SYS_pivot_root, ".", ".") || umount2(".", MNT_DETACH))
		step = 4;
	int32_t answer[2] = {step, errno};
	(void)!write(1, answer, sizeof answer);
	_exit(0);
}
