// The seccomp notification listener, seccomp_unotify(2). In C, because it passes pointers to ioctl(2).
#include <stdint.h>

// denied is one refused call that waits for its answer.
struct denied {
	int error; // 0; ENOENT: the caller is gone already; ECANCELED: no caller is left, or we were told to stop
	uint64_t id;
	uint32_t pid; // of the thread, in our pid namespace
	uint32_t number, arch;
	uint64_t ip, args[6];
};

struct denied loadlock_next(int listener, int stop);
int loadlock_waits(int listener, uint64_t id);
int loadlock_refuse(int listener, uint64_t id, int error);
int loadlock_go_on(int listener, uint64_t id);
int loadlock_has_action(uint32_t action);
