//go:build linux && cgo

// Pid 1 of the box. It runs as a constructor, before the Go runtime starts, because a Go runtime costs
// milliseconds and megabytes that the workload would pay for. It is entered when this program is started as
// pid 1 of a pid namespace under pid1Path; see doc.go for the protocol and control_linux.go for its other end.
//
// Everything here runs already confined: no capability, no_new_privs, private root. Nothing of the workload has
// run before pid 1 has its own filter and its child has the workload's.
#define _GNU_SOURCE
#include "pid1_linux.h"
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

void pid1_tell(int fd, char kind, char step, int32_t value) {
	struct report r = {kind, step, value};
	while (send(fd, &r, sizeof r, MSG_NOSIGNAL) < 0 && errno == EINTR) {
	}
}

void pid1_fail(int fd, char step) {
	pid1_tell(fd, 'S', step, errno);
	_exit(125);
}

// pid1_hand sends a report with a descriptor, which is closed, or without one when it is negative.
void pid1_hand(int fd, struct report r, int descriptor) {
	union {
		char buf[CMSG_SPACE(sizeof(int))];
		struct cmsghdr align;
	} control = {{0}};
	struct iovec iov = {&r, sizeof r};
	struct msghdr hdr = {.msg_iov = &iov, .msg_iovlen = 1};
	if (descriptor >= 0) {
		hdr.msg_control = control.buf;
		hdr.msg_controllen = sizeof control.buf;
		struct cmsghdr *c = CMSG_FIRSTHDR(&hdr);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(sizeof descriptor);
		memcpy(CMSG_DATA(c), &descriptor, sizeof descriptor);
	}
	ssize_t n;
	do
		n = sendmsg(fd, &hdr, MSG_NOSIGNAL | MSG_DONTWAIT); // a proxy that does not read must not stop us
	while (n < 0 && errno == EINTR);
	if (descriptor >= 0)
		close(descriptor);
}

// receive_release waits for the supervisor's order. End of file means that the supervisor is gone or refused the
// model.
static int receive_release(struct release *o, int fd[DESCRIPTORS]) {
	union {
		char buf[CMSG_SPACE(DESCRIPTORS * sizeof(int))];
		struct cmsghdr align;
	} control;
	struct iovec iov = {o, sizeof *o};
	struct msghdr hdr = {.msg_iov = &iov, .msg_iovlen = 1, .msg_control = control.buf, .msg_controllen = sizeof control.buf};
	const size_t head = offsetof(struct release, code);
	ssize_t n;
	do
		n = recvmsg(CONTROL, &hdr, MSG_CMSG_CLOEXEC);
	while (n < 0 && errno == EINTR);
	if (n < (ssize_t)head || o->kind != 'G' || (hdr.msg_flags & (MSG_TRUNC | MSG_CTRUNC)))
		return -1;
	size_t total = 0;
	for (int i = 0; i < FILTERS; i++) {
		if (o->count[i] > MAX_FILTER)
			return -1;
		total += o->count[i];
	}
	if ((size_t)n != head + total * sizeof(struct sock_filter))
		return -1;
	int want = o->flags & WITH_LANDLOCK ? 2 : 1;
	struct cmsghdr *c = CMSG_FIRSTHDR(&hdr);
	if (!c || c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS || c->cmsg_len != CMSG_LEN(want * sizeof(int)))
		return -1;
	fd[RULESET] = -1;
	memcpy(fd, CMSG_DATA(c), want * sizeof(int));
	return 0;
}

static void on_child(int sig) { (void)sig; }

// take_terminal makes the first of the workload's streams that is a terminal the controlling terminal of our session,
// and returns a descriptor of it, or -1. We lead the session because the workload must not: when a leader ends, the
// kernel throws away what the terminal has not shown yet.
static int take_terminal(void) {
	setsid(); // libcontainer has made us a leader already; then this is an error that means nothing
	for (int i = 0; i < 3; i++)
		if (isatty(i) && ioctl(i, TIOCSCTTY, 0) == 0)
			return fcntl(i, F_DUPFD_CLOEXEC, 10);
	return -1;
}

static int64_t now(void) { // ms; no change of the date moves it
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

// wait_until sleeps until a child ends or stops, the supervisor or the proxy says something, or the time (ms, 0: never)
// is there. It serves the proxy, and returns 1 when there is something of the supervisor's to read.
static int wait_until(int fd, int64_t at, const sigset_t *unblocked) {
	int64_t left = at - now();
	if (at && left < 0)
		left = 0;
	struct timespec t = {left / 1000, left % 1000 * 1000000};
	struct pollfd p[] = {{fd, POLLIN, 0}, {pid1_portal, POLLIN, 0}};
	if (ppoll(p, 2, at ? &t : NULL, unblocked) <= 0)
		return 0;
	if (p[1].revents)
		pid1_serve_portal();
	return p[0].revents != 0;
}

// dismissed reports whether the supervisor has read what the cgroup counted, or is gone. systemd removes the group of an
// empty scope with all its counters.
static int dismissed(void) {
	unsigned char order[2];
	ssize_t n = recv(CONTROL, order, sizeof order, 0);
	return n == 0 || (n < 0 && errno != EINTR && errno != EAGAIN) || (n > 0 && order[0] == 'D');
}

// finish ends what the workload left running, counts it, and reports how the workload ended. Nobody holds the
// terminal then, so that the supervisor finds the end of what was written to it.
static void finish(int terminal, char overdue, int32_t status, const sigset_t *unblocked) {
	int32_t survivors = 0;
	pid_t pid;
	kill(-1, SIGKILL);
	for (int64_t end = now() + 2000; now() < end; wait_until(-1, end, unblocked)) {
		while ((pid = waitpid(-1, NULL, WNOHANG)) > 0)
			survivors++;
		if (pid < 0)
			break; // no more children
	}
	close(terminal);
	if (survivors)
		pid1_tell(CONTROL, 'N', STEP_NONE, survivors);
	pid1_tell(CONTROL, 'W', overdue, status);
	for (int64_t end = now() + 2000; now() < end;)
		if (wait_until(CONTROL, end, unblocked) && dismissed())
			break;
	_exit(0);
}

// obey does what the supervisor says. The end of the socket is the end of the supervisor.
static void obey(pid_t workload, int terminal) {
	unsigned char order[2];
	ssize_t n = recv(CONTROL, order, sizeof order, 0);
	if (n == 0 || (n < 0 && errno != EINTR && errno != EAGAIN))
		_exit(0);
	if (n != 2)
		return;
	switch (order[0]) {
	case 'K':
		kill(workload, order[1]);
		break;
	case 'P':
		kill(-workload, order[1]);
		break;
	case 'F':
		tcsetpgrp(terminal, order[1] ? workload : 1); // 1: our own group, which does not read
		kill(-workload, SIGCONT);
	}
}

// serve reaps everything, reports a workload that was stopped, obeys the supervisor, and ends when the workload, the
// supervisor or the time does; the kernel then kills what is left in the pid namespace. The supervisor ends a workload
// whose time is over, in good order and earlier; our own limit is for a supervisor that was stopped.
static void serve(pid_t workload, int terminal, uint32_t seconds, const sigset_t *unblocked) {
	int64_t limit = seconds ? now() + (int64_t)seconds * 1000 : 0;
	char overdue = 0;
	for (;;) {
		int status;
		pid_t pid;
		while ((pid = waitpid(-1, &status, WNOHANG | WUNTRACED)) > 0) {
			if (pid == workload && WIFSTOPPED(status))
				pid1_tell(CONTROL, 'T', STEP_NONE, WSTOPSIG(status));
			else if (pid == workload)
				finish(terminal, overdue, status, unblocked);
		}
		if (limit && now() >= limit) {
			overdue = 1;
			limit = 0;
			kill(workload, SIGKILL);
		}
		if (wait_until(CONTROL, limit, unblocked))
			obey(workload, terminal);
	}
}

// follow_supervisor makes the end of the supervisor ours: SIGKILL from the kernel, the end of the socket besides. The
// signal is for the future only, so the socket says whether the supervisor is there still; getppid does not, it is 0
// for a parent outside.
static void follow_supervisor(void) {
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	struct pollfd p = {CONTROL, 0, 0};
	if (poll(&p, 1, 0) > 0)
		_exit(0);
}

static void run(char **argv) {
	sigset_t all, none;
	sigfillset(&all);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &all, NULL);
	struct sigaction act = {.sa_handler = on_child};
	sigaction(SIGCHLD, &act, NULL);
	fcntl(CONTROL, F_SETFD, FD_CLOEXEC);
	follow_supervisor();
	pid1_open_portal();

	pid1_tell(CONTROL, 'H', STEP_NONE, 0);
	static struct release order; // large: not on the stack
	int fd[DESCRIPTORS], terminal = -1;
	if (receive_release(&order, fd))
		_exit(0);
	prctl(PR_SET_DUMPABLE, 0); // the workload has the same uid and must not look into pid 1
	if (order.flags & WITH_TERMINAL && (terminal = take_terminal()) < 0)
		pid1_fail(fd[GATE], STEP_TERMINAL);
	pid_t pid = fork();
	if (pid < 0)
		pid1_fail(fd[GATE], STEP_FORK);
	if (pid == 0)
		pid1_child(argv, &order, fd[GATE], fd[RULESET], terminal, &none);
	close(fd[GATE]);
	if (fd[RULESET] >= 0)
		close(fd[RULESET]);
	// Do not hold the caller's streams: a reader of our output must see its end when the workload closes it.
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	for (int i = 0; null >= 0 && i < 3; i++)
		dup2(null, i);
	// The workload can send us signals. From here on we can do what serve needs, and nothing else.
	if (pid1_confine_self(&order) < 0)
		pid1_fail(CONTROL, STEP_OWN_FILTER);
	pid1_tell(CONTROL, 'R', STEP_NONE, 0);
	serve(pid, terminal, order.seconds, &none);
}

__attribute__((constructor)) static void loadlock_pid1(int argc, char **argv) {
	if (argc > 1 && getpid() == 1 && strcmp(argv[0], "/.loadlock/pid1") == 0) {
		run(argv + 1);
		_exit(125);
	}
}
