//go:build linux && cgo

#include "notify_linux.h"
#include <errno.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

// Structures of newer kernels may be longer (SECCOMP_GET_NOTIF_SIZES); they are asked to be zero, and have room.
union request {
	struct seccomp_notif n;
	char room[1024];
};
union answer {
	struct seccomp_notif_resp r;
	char room[1024];
};

// loadlock_next waits for the next refused call, or until stop is readable or closed.
struct denied loadlock_next(int listener, int stop) {
	struct denied d = {.error = ECANCELED};
	struct pollfd fds[2] = {{listener, POLLIN, 0}, {stop, POLLIN, 0}};
	while (poll(fds, 2, -1) < 0)
		if (errno != EINTR)
			return d;
	if (fds[1].revents || !(fds[0].revents & POLLIN))
		return d;
	union request req;
	do
		memset(&req, 0, sizeof req);
	while ((d.error = ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, &req) ? errno : 0) == EINTR);
	d.id = req.n.id;
	d.pid = req.n.pid;
	d.number = req.n.data.nr;
	d.arch = req.n.data.arch;
	d.ip = req.n.data.instruction_pointer;
	memcpy(d.args, req.n.data.args, sizeof d.args);
	return d;
}

// loadlock_waits says whether the caller still waits: what was read about its process until now was about it.
int loadlock_waits(int listener, uint64_t id) { return ioctl(listener, SECCOMP_IOCTL_NOTIF_ID_VALID, &id) == 0; }

// loadlock_refuse answers with an errno. Only loadlock_go_on lets a call through.
int loadlock_refuse(int listener, uint64_t id, int error) {
	union answer a;
	memset(&a, 0, sizeof a);
	a.r.id = id;
	a.r.error = -error;
	while (ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, &a))
		if (errno != EINTR)
			return errno;
	return 0;
}

// loadlock_go_on lets a call go on that the filter allows: for loadlock learn, and for commands of ioctl(2) that are noted
// and not refused. For no call that the filter refuses: see the packages' doc.go.
int loadlock_go_on(int listener, uint64_t id) {
	union answer a;
	memset(&a, 0, sizeof a);
	a.r.id = id;
	a.r.flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE;
	while (ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, &a))
		if (errno != EINTR)
			return errno;
	return 0;
}

// loadlock_has_action says 0 when a filter may answer so (SECCOMP_RET_*), an errno otherwise.
int loadlock_has_action(uint32_t action) { return syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &action) ? errno : 0; }
