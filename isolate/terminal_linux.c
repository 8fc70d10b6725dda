//go:build linux && cgo

// The watcher of a terminal: a process that puts the user's terminal back in order when the supervisor dies, of SIGKILL
// too, while it has the terminal in raw mode. It is this program under another name, and runs as a constructor, before
// the Go runtime starts. Descriptor 0 is the terminal; 3 is a socket to the supervisor, one packet an order:
//
//	'S'        the settings of now are those to go back to; answered with a byte
//	'U' text   what to write then, so that modes are switched back too
//	'D'        done: nothing has to be put back
#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <termios.h>
#include <unistd.h>

static void restore(const struct termios *before, const char *undo, size_t n) {
	struct termios now;
	// A shell that was faster has set the terminal as it wants it, and takes none of its keys as they are.
	if (tcgetattr(0, &now) || now.c_lflag & (ICANON | ECHO | ISIG))
		return;
	tcsetattr(0, TCSANOW, before);
	(void)!write(0, undo, n);
}

static void watch(void) {
	sigset_t all;
	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, NULL); // SIGTTOU too: a terminal may be set from the background then
	struct termios before;
	char packet[1024], undo[sizeof packet];
	size_t keep = 0;
	int saved = 0;
	for (;;) {
		ssize_t n = recv(3, packet, sizeof packet, 0);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0) {
			if (saved)
				restore(&before, undo, keep);
			return;
		}
		switch (packet[0]) {
		case 'S':
			saved = tcgetattr(0, &before) == 0;
			send(3, saved ? "y" : "n", 1, MSG_NOSIGNAL);
			break;
		case 'U':
			keep = n - 1;
			memcpy(undo, packet + 1, keep);
			break;
		case 'D':
			return;
		}
	}
}

// loadlock_stop: see StopJob in terminal_linux.go. The others first, so that we stop once.
void loadlock_stop(int sig) {
	struct sigaction ignored = {.sa_handler = SIG_IGN}, usual = {.sa_handler = SIG_DFL}, ours;
	sigaction(sig, &ignored, &ours);
	kill(0, sig);
	sigaction(sig, &usual, NULL);
	raise(sig); // to this thread: it stops before the call returns
	sigaction(sig, &ours, NULL);
}

__attribute__((constructor)) static void loadlock_terminal(int argc, char **argv) {
	if (argc == 1 && strcmp(argv[0], "/.loadlock/terminal") == 0) {
		watch();
		_exit(0);
	}
}
