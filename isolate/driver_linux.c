//go:build linux && cgo

// The box's own /proc/driver: libcontainer runs this program as a hook while it builds the root, in the box's namespaces
// and with the capabilities of the box's own root, nothing more; see driver_linux.go. A constructor, as pid 1 is, so that
// no Go runtime starts. Whoever starts it without those capabilities is refused by the kernel.
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

__attribute__((constructor)) static void loadlock_driver(int argc, char **argv) {
	if (argc != 1 || strcmp(argv[0], "/.loadlock/driver") != 0)
		return;
	const unsigned long flags = MS_BIND | MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC;
	// The working directory is the new root (prepareRootfs in libcontainer).
	if (mount(".loadlock/driver", "proc/driver", NULL, MS_BIND, NULL) || mount(NULL, "proc/driver", NULL, MS_REMOUNT | flags, NULL)) {
		dprintf(2, "mount on /proc/driver: %s", strerror(errno));
		_exit(1);
	}
	_exit(0);
}
