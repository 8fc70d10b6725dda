//go:build linux && cgo

// Pid 1 of the box. It runs as a constructor, before the Go runtime starts, because a Go runtime costs
// milliseconds and megabytes that the workload would pay for. It is entered when this program is started as
// pid 1 of a pid namespace under pid1Path; see doc.go for the protocol.
//
// Everything here runs already confined: no capability, no_new_privs, seccomp, private root.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#ifndef SYS_landlock_restrict_self
#define SYS_landlock_restrict_self 446
#endif

enum { CONTROL = 3, MAX_FILTER = 512 };
enum { STEP_NONE, STEP_FORK, STEP_LANDLOCK, STEP_SEAL, STEP_EXEC }; // keep in step with control_linux.go

struct report {
	char kind; // 'H' hello, 'S' setup failed, 'X' executed, 'W' wait status
	char step;
	int32_t value; // errno, or wait status
} __attribute__((packed));

static void tell(char kind, char step, int32_t value) {
	struct report r = {kind, step, value};
	while (send(CONTROL, &r, sizeof r, MSG_NOSIGNAL) < 0 && errno == EINTR) {
	}
}

// receive_go waits for the supervisor's word: one byte 'G' and the seal filter, with the Landlock ruleset as a
// descriptor unless Landlock is off. End of file means that the supervisor is gone or refused the model.
static int receive_go(struct sock_fprog *seal, int *ruleset) {
	static struct {
		char kind;
		struct sock_filter filter[MAX_FILTER];
	} __attribute__((packed)) msg;
	static struct sock_filter aligned[MAX_FILTER];
	union {
		char buf[CMSG_SPACE(sizeof(int))];
		struct cmsghdr align;
	} control;
	struct iovec iov = {&msg, sizeof msg};
	struct msghdr hdr = {.msg_iov = &iov, .msg_iovlen = 1, .msg_control = control.buf, .msg_controllen = sizeof control.buf};
	ssize_t n;
	do
		n = recvmsg(CONTROL, &hdr, MSG_CMSG_CLOEXEC);
	while (n < 0 && errno == EINTR);
	if (n < 1 || msg.kind != 'G' || (n - 1) % sizeof(struct sock_filter) != 0 || (hdr.msg_flags & MSG_TRUNC))
		return -1;
	seal->len = (n - 1) / sizeof(struct sock_filter);
	memcpy(aligned, msg.filter, n - 1);
	seal->filter = aligned;
	*ruleset = -1;
	struct cmsghdr *c = CMSG_FIRSTHDR(&hdr);
	if (c && c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS)
		memcpy(ruleset, CMSG_DATA(c), sizeof *ruleset);
	return 0;
}

static void fail(int fd, char step) {
	struct report r = {'S', step, errno};
	(void)!write(fd, &r, sizeof r);
	_exit(125);
}

static void child(char **argv, int errors, struct sock_fprog *seal, int ruleset, sigset_t *mask) {
	setsid(); // no controlling terminal: TIOCSTI and job control of the caller are out of reach
	if (ruleset >= 0 && syscall(SYS_landlock_restrict_self, ruleset, 0))
		fail(errors, STEP_LANDLOCK);
	sigprocmask(SIG_SETMASK, mask, NULL);
	signal(SIGCHLD, SIG_DFL);
	// Nothing but execve after this line.
	if (seal->len && syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, seal))
		fail(errors, STEP_SEAL);
	extern char **environ;
	execve(argv[0], argv, environ);
	fail(errors, STEP_EXEC);
}

static void on_child(int sig) { (void)sig; }

// serve reaps everything, forwards the signals the supervisor names, and ends when the workload or the
// supervisor does; the kernel then kills what is left in the pid namespace.
static void serve(pid_t main_child, sigset_t *unblocked) {
	for (;;) {
		int status;
		pid_t pid;
		while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
			if (pid == main_child) {
				tell('W', 0, status);
				_exit(0);
			}
		struct pollfd p = {CONTROL, POLLIN, 0};
		if (ppoll(&p, 1, NULL, unblocked) < 0)
			continue; // EINTR: a child ended
		unsigned char sig[2];
		ssize_t n = recv(CONTROL, sig, sizeof sig, 0);
		if (n == 0 || (n < 0 && errno != EINTR && errno != EAGAIN))
			_exit(0);
		if (n == 2 && sig[0] == 'K')
			kill(main_child, sig[1]);
	}
}

static void run(char **argv) {
	sigset_t all, none;
	sigfillset(&all);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &all, NULL);
	struct sigaction act = {.sa_handler = on_child};
	sigaction(SIGCHLD, &act, NULL);
	fcntl(CONTROL, F_SETFD, FD_CLOEXEC);

	tell('H', 0, 0);
	struct sock_fprog seal;
	int ruleset, errors[2];
	if (receive_go(&seal, &ruleset))
		_exit(0);
	prctl(PR_SET_DUMPABLE, 0); // the workload has the same uid and must not look into pid 1
	if (pipe2(errors, O_CLOEXEC)) {
		tell('S', STEP_FORK, errno);
		_exit(125);
	}
	pid_t pid = fork();
	if (pid < 0) {
		tell('S', STEP_FORK, errno);
		_exit(125);
	}
	if (pid == 0)
		child(argv, errors[1], &seal, ruleset, &none);
	close(errors[1]);
	if (ruleset >= 0)
		close(ruleset);
	struct report r;
	ssize_t n;
	do
		n = read(errors[0], &r, sizeof r);
	while (n < 0 && errno == EINTR);
	close(errors[0]);
	if (n == sizeof r) {
		tell(r.kind, r.step, r.value);
		_exit(125);
	}
	tell('X', 0, 0);
	// Do not hold the caller's streams: a reader of our output must see its end when the workload closes it.
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	for (int fd = 0; null >= 0 && fd < 3; fd++)
		dup2(null, fd);
	serve(pid, &none);
}

__attribute__((constructor)) static void loadlock_pid1(int argc, char **argv) {
	if (argc > 1 && getpid() == 1 && strcmp(argv[0], "/.loadlock/pid1") == 0) {
		run(argv + 1);
		_exit(125);
	}
	if (argc == 1 && strcmp(argv[0], "/.loadlock/userns") == 0)
		_exit(0); // TryUserNamespace: being here is the answer
}
