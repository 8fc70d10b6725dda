//go:build linux && cgo

// How the box's processes put their filters on, and how pid 1's child becomes the workload.
#define _GNU_SOURCE
#include "pid1_linux.h"
#include <errno.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stddef.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef SYS_landlock_restrict_self
#define SYS_landlock_restrict_self 446
#endif
#ifndef SECCOMP_FILTER_FLAG_NEW_LISTENER
#define SECCOMP_FILTER_FLAG_NEW_LISTENER (1UL << 3) // Linux 5.0
#endif
#ifndef SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV
#define SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV (1UL << 5) // Linux 5.19
#endif

static struct sock_fprog filter(struct release *o, int which) {
	struct sock_fprog p = {o->count[which], o->code};
	for (int i = 0; i < which; i++)
		p.filter += o->count[i];
	return p;
}

// install loads a filter with the most of the flags that the kernel takes; it returns 0, the listener, or -1.
static int install(struct sock_fprog p, const unsigned long *flags, int n) {
	int fd = -1;
	for (int i = 0; i < n; i++) {
		fd = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags[i], &p);
		if (fd >= 0 || errno != EINVAL)
			break;
	}
	return fd;
}

// lock puts the workload's filter on: the notifying one, or the plain one with the same answers where there is no
// listener to be had (EBUSY: an outer sandbox has it; EINVAL: an old kernel). It returns the listener or -1, and
// in *why the errno that says why there is none.
static int lock(int gate, struct release *o, int32_t *why) {
	static const unsigned long notify[] = {
	    SECCOMP_FILTER_FLAG_NEW_LISTENER | SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV | SECCOMP_FILTER_FLAG_SPEC_ALLOW,
	    SECCOMP_FILTER_FLAG_NEW_LISTENER | SECCOMP_FILTER_FLAG_SPEC_ALLOW,
	};
	static const unsigned long plain[] = {SECCOMP_FILTER_FLAG_SPEC_ALLOW, 0};
	*why = 0;
	if (o->count[FILTER_NOTIFY]) {
		int listener = install(filter(o, FILTER_NOTIFY), notify, 2);
		if (listener >= 0)
			return listener;
		*why = errno;
	}
	if (o->count[FILTER_PLAIN] && install(filter(o, FILTER_PLAIN), plain, 2) < 0)
		pid1_fail(gate, STEP_SECCOMP);
	return -1;
}

// pid1_confine_self puts pid 1's own filter on, if there is one. It returns -1 when that cannot be done.
int pid1_confine_self(struct release *o) {
	static const unsigned long plain[] = {0};
	return o->count[FILTER_OWN] ? install(filter(o, FILTER_OWN), plain, 1) : 0;
}

// locked says on the gate that this process is confined, hands over the listener, and waits until the supervisor
// has seen in /proc that it is so.
static void locked(int gate, int listener, int32_t why) {
	pid1_hand(gate, (struct report){'L', STEP_NONE, why}, listener);
	ssize_t n;
	char go;
	do
		n = recv(gate, &go, 1, 0);
	while (n < 0 && errno == EINTR);
	if (n != 1 || go != 'E')
		_exit(125);
}

// child becomes the workload. The end of the gate without a report means that it did: every descriptor of ours
// is close-on-exec.
void pid1_child(char **argv, struct release *o, int gate, int ruleset, int terminal, sigset_t *mask) {
	// A process group of its own in our session, as a shell makes it: it can be stopped (the kernel spares orphaned
	// groups), and it does not lead the session, so that no terminal it could open becomes its own.
	setpgid(0, 0);
	if (o->flags & WITH_FOREGROUND && tcsetpgrp(terminal, getpid()))
		pid1_fail(gate, STEP_TERMINAL);
	if (ruleset >= 0 && syscall(SYS_landlock_restrict_self, ruleset, 0))
		pid1_fail(gate, STEP_LANDLOCK);
	sigprocmask(SIG_SETMASK, mask, NULL);
	signal(SIGCHLD, SIG_DFL);
	// Nothing after this line but what the workload itself may do.
	int32_t why;
	int listener = lock(gate, o, &why);
	locked(gate, listener, why);
	extern char **environ;
	execve(argv[0], argv, environ);
	pid1_fail(gate, STEP_EXEC);
}
