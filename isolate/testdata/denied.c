// What a workload may do around refused calls. Compiled by denials_storm_linux_test.go, run inside a box.
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static long rounds, wrong;
static volatile int stop;

// refused makes one refused call and says whether the answer was the right one.
static int refused(void) { return socket(AF_INET, SOCK_STREAM, 0) == -1 && errno == EAFNOSUPPORT; }

static void *flood(void *unused) {
	for (long i = 0; i < rounds; i++)
		if (!refused())
			__sync_fetch_and_add(&wrong, 1);
	return NULL;
}

static void *flood_until_stop(void *unused) {
	while (!stop)
		if (!refused())
			__sync_fetch_and_add(&wrong, 1);
	return NULL;
}

// every thread floods; the answers must be right, and each must be counted.
static void storm(int threads) {
	pthread_t t[256];
	for (int i = 0; i < threads; i++)
		if (pthread_create(&t[i], NULL, flood, NULL))
			exit(3);
	for (int i = 0; i < threads; i++)
		pthread_join(t[i], NULL);
	printf("wrong %ld\n", wrong);
}

// many arguments, numbers and calls: rows that a report might hold.
static void variety(void) {
	for (long i = 0; i < rounds; i++) {
		syscall(SYS_prctl, 100000 + i, 0, 0, 0, 0);
		syscall(SYS_ioctl, 0, 0x4b00 + i % 256, 0);
		syscall(1000 + i, 0);
	}
	printf("done\n");
}

static double cpu_ns(void) {
	struct timespec t;
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return t.tv_sec * 1e9 + t.tv_nsec;
}

// allowed says what an allowed call costs its thread, alone and while other threads flood.
static void allowed(int threads) {
	double cost[2];
	for (int with = 0; with < 2; with++) {
		pthread_t t[256];
		stop = 0;
		for (int i = 0; with && i < threads; i++)
			if (pthread_create(&t[i], NULL, flood_until_stop, NULL))
				exit(3);
		double best = 1e18;
		for (int k = 0; k < 20; k++) {
			double from = cpu_ns();
			for (long i = 0; i < rounds; i++)
				syscall(SYS_getppid);
			double ns = (cpu_ns() - from) / rounds;
			if (ns < best)
				best = ns;
		}
		stop = 1;
		for (int i = 0; with && i < threads; i++)
			pthread_join(t[i], NULL);
		cost[with] = best;
	}
	printf("%.1f %.1f\n", cost[0], cost[1]);
}

// cost says what an allowed and a refused call take, ns of wall-clock time.
static void cost(void) {
	struct timespec a, b;
	double ns[2];
	for (int kind = 0; kind < 2; kind++) {
		double best = 1e18;
		for (int k = 0; k < 10; k++) {
			clock_gettime(CLOCK_MONOTONIC, &a);
			for (long i = 0; i < rounds; i++)
				if (kind)
					refused();
				else
					syscall(SYS_getppid);
			clock_gettime(CLOCK_MONOTONIC, &b);
			double n = ((b.tv_sec - a.tv_sec) * 1e9 + b.tv_nsec - a.tv_nsec) / rounds;
			if (n < best)
				best = n;
		}
		ns[kind] = best;
	}
	printf("%.1f %.1f\n", ns[0], ns[1]);
}

static volatile long alarms;
static void on_alarm(int sig) { alarms++; }

// signals interrupts refused calls.
static void interrupted(int flags) {
	struct sigaction act = {.sa_handler = on_alarm, .sa_flags = flags};
	sigaction(SIGALRM, &act, NULL);
	struct itimerval every = {{0, 300}, {0, 300}};
	setitimer(ITIMER_REAL, &every, NULL);
	long right = 0, again = 0;
	for (long i = 0; i < rounds || alarms < 20; i++) {
		errno = 0;
		int r = socket(AF_INET, SOCK_STREAM, 0);
		if (r >= 0)
			wrong++;
		else if (errno == EAFNOSUPPORT)
			right++;
		else if (errno == EINTR)
			again++;
		else
			wrong++;
	}
	printf("right %ld again %ld wrong %ld\n", right, again, wrong);
}

static char path[2][64] = {"/tmp/first", "/tmp/second"};
static char racing[64];

static void *swap(void *unused) {
	for (long i = 0; !stop; i++)
		memcpy(racing, path[i & 1], sizeof racing);
	return NULL;
}

// race changes the memory of a refused call while it is being refused.
static void race(void) {
	pthread_t t;
	memcpy(racing, path[0], sizeof racing); // the thread may begin late
	pthread_create(&t, NULL, swap, NULL);
	long through = 0;
	for (long i = 0; i < rounds; i++)
		if (syscall(SYS_openat, AT_FDCWD, racing, O_CREAT | O_WRONLY, 04755) >= 0 || errno != EPERM)
			through++;
	stop = 1;
	pthread_join(t, NULL);
	int left = 0; // under one of the names, or a mixture of them
	DIR *tmp = opendir("/tmp");
	for (struct dirent *e; tmp && (e = readdir(tmp));)
		left |= e->d_name[0] != '.';
	printf("through %ld left %d\n", through, left);
}

// until makes refused calls for ever and says how the answer changes.
static void until(void) {
	int last = 0;
	for (;;) {
		errno = 0;
		if (socket(AF_INET, SOCK_STREAM, 0) >= 0)
			errno = 0;
		if (errno != last) {
			last = errno;
			printf("%s\n", last == EAFNOSUPPORT ? "EAFNOSUPPORT" : last == ENOSYS ? "ENOSYS" : "something else");
			fflush(stdout);
			if (last == ENOSYS)
				exit(0);
		}
	}
}

int main(int argc, char **argv) {
	rounds = argc > 2 ? atol(argv[2]) : 0;
	int n = argc > 3 ? atoi(argv[3]) : 0;
	if (!strcmp(argv[1], "storm"))
		storm(n);
	else if (!strcmp(argv[1], "variety"))
		variety();
	else if (!strcmp(argv[1], "allowed"))
		allowed(n);
	else if (!strcmp(argv[1], "cost"))
		cost();
	else if (!strcmp(argv[1], "interrupted"))
		interrupted(n ? SA_RESTART : 0);
	else if (!strcmp(argv[1], "race"))
		race();
	else if (!strcmp(argv[1], "until"))
		until();
	return 0;
}
