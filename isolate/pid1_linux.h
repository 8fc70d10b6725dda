// The box's side of the protocol, shared by the files pid1_*.c. Names with external linkage begin with pid1_: they live in
// one program with libc.
#ifndef LOADLOCK_PID1_H
#define LOADLOCK_PID1_H
#include <linux/filter.h>
#include <signal.h>
#include <stdint.h>

// Keep all of these in step with control_linux.go.
enum { CONTROL = 3, PORTAL = 4, MAX_FILTER = 4096 };
enum { STEP_NONE, STEP_FORK, STEP_TERMINAL, STEP_LANDLOCK, STEP_SECCOMP, STEP_EXEC, STEP_OWN_FILTER };
enum { FILTER_NOTIFY, FILTER_PLAIN, FILTER_OWN, FILTERS };
enum { WITH_LANDLOCK = 1, WITH_TERMINAL = 2, WITH_FOREGROUND = 4 };

// report is what we say, on the control socket ('H' hello, 'R' ready, 'T' stopped, 'N' survivors, 'W' wait status, 'S'
// setup failed) and on the gate ('L' locked, 'S' setup failed).
struct report {
	char kind;
	char step;
	int32_t value; // errno, or wait status
} __attribute__((packed));

// release is the order that lets the workload start. Descriptors that come with it: the gate, and the Landlock
// ruleset where the flag says so.
struct release {
	char kind; // 'G'
	char zero[3];
	uint32_t flags;
	uint32_t seconds;        // after which we end the workload ourselves; 0: never
	uint32_t count[FILTERS]; // instructions of each filter; 0: none
	struct sock_filter code[FILTERS * MAX_FILTER];
};
enum { GATE, RULESET, DESCRIPTORS };

// Telling the supervisor. pid1_fail says which step failed, with errno, and ends this process.
void pid1_tell(int fd, char kind, char step, int32_t value);
void pid1_fail(int fd, char step) __attribute__((noreturn));
void pid1_hand(int fd, struct report r, int descriptor);

// pid1_confine_linux.c
void pid1_child(char **argv, struct release *o, int gate, int ruleset, int terminal, sigset_t *mask) __attribute__((noreturn));
int pid1_confine_self(struct release *o);

// pid1_portal_linux.c
extern int pid1_portal; // the socket, -1 where there is none
void pid1_open_portal(void);
void pid1_serve_portal(void);
#endif
