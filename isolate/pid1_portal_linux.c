//go:build linux && cgo

#define _GNU_SOURCE
#include "pid1_linux.h"
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

enum { PROXY_PORT = 3128, BACKLOG = 512 }; // ProxyPort of portal_linux.go; the kernel lowers the backlog to its own limit

// The portal hands sockets of our network namespace to the proxy outside; see Portal in portal_linux.go. There is none
// unless the policy permits a network or publishes a port.
int pid1_portal = -1;

static int tcp_socket(void) { return socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0); }

void pid1_open_portal(void) {
	int type = 0;
	socklen_t len = sizeof type;
	if (getsockopt(PORTAL, SOL_SOCKET, SO_TYPE, &type, &len) || type != SOCK_SEQPACKET)
		return;
	pid1_portal = PORTAL;
	fcntl(pid1_portal, F_SETFD, FD_CLOEXEC);
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(PROXY_PORT), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int fd = tcp_socket(), ok = fd >= 0 && !bind(fd, (struct sockaddr *)&at, sizeof at) && !listen(fd, BACKLOG);
	pid1_hand(pid1_portal, (struct report){'A', STEP_NONE, ok ? 0 : errno}, ok ? fd : -1);
}

// pid1_serve_portal answers one request for a socket. The end of the proxy is the end of the portal, not ours.
void pid1_serve_portal(void) {
	char order;
	ssize_t n = recv(pid1_portal, &order, 1, MSG_DONTWAIT);
	if (n == 1 && order == 'C') {
		int fd = tcp_socket();
		pid1_hand(pid1_portal, (struct report){'C', STEP_NONE, fd < 0 ? errno : 0}, fd);
	} else if (n >= 0 || (errno != EINTR && errno != EAGAIN)) {
		close(pid1_portal);
		pid1_portal = -1;
	}
}
