// A stand-in for libcuda.so, so that selftest.sh itself can be tested on a machine without a GPU. It computes nothing on
// any GPU. It does what NVIDIA's library does first, as far as public reports say, and fails with the same numbers where a
// sandbox refuses that: nodes, /proc/driver/nvidia, /proc/self/task/TID/comm, memfd_create, commands of ioctl. Its nodes
// are /dev/zero and numbers without a driver; see standin.sh.
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum { OK = 0, INVALID_VALUE = 1, OUT_OF_MEMORY = 2, NOT_INITIALIZED = 3, NO_DEVICE = 100, OPERATING_SYSTEM = 304, UNKNOWN = 999 };

#define CARD_INFO 0xc00046c8UL // NV_ESC_CARD_INFO, of any size

static int devices, spinning;
static unsigned long long used, limit = 8ULL << 30;

// reached opens a node: a number without a driver says ENXIO, which is as far as it goes.
static int reached(const char *name, int *fd) {
	*fd = open(name, O_RDWR | O_CLOEXEC);
	return *fd >= 0 || errno == ENXIO;
}

static int holds(const char *name, const char *want) {
	char text[4096] = "";
	FILE *f = fopen(name, "re");
	if (!f)
		return 0;
	size_t n = fread(text, 1, sizeof text - 1, f);
	fclose(f);
	text[n] = 0;
	return strstr(text, want) != NULL;
}

static int names_thread(void) {
	char name[64];
	snprintf(name, sizeof name, "/proc/self/task/%ld/comm", syscall(SYS_gettid));
	int fd = open(name, O_WRONLY | O_CLOEXEC);
	int ok = fd >= 0 && write(fd, "standin", 7) == 7;
	if (fd >= 0)
		close(fd);
	return ok;
}

// gpu opens the node that a file of /proc/driver/nvidia/gpus names, and asks it something.
static int gpu(const char *address) {
	char name[512], line[256];
	int minor = -1, fd;
	snprintf(name, sizeof name, "/proc/driver/nvidia/gpus/%s/information", address);
	FILE *f = fopen(name, "re");
	if (!f)
		return NO_DEVICE;
	while (fgets(line, sizeof line, f))
		sscanf(line, "Device Minor: %d", &minor);
	fclose(f);
	snprintf(name, sizeof name, "/dev/nvidia%d", minor);
	if (!reached(name, &fd))
		return NO_DEVICE;
	if (fd < 0)
		return OK;
	int refused = ioctl(fd, CARD_INFO, NULL) < 0 && (errno == EPERM || errno == EACCES);
	close(fd);
	return refused ? OPERATING_SYSTEM : OK;
}

int cuInit(unsigned flags) {
	int fd, memory;
	if (flags)
		return INVALID_VALUE;
	devices = 0;
	if (!reached("/dev/nvidiactl", &fd))
		return NO_DEVICE;
	if (!holds("/proc/driver/nvidia/params", "ModifyDeviceFiles: ") || !holds("/sys/module/nvidia/version", "."))
		return OPERATING_SYSTEM;
	if (!names_thread())
		return OPERATING_SYSTEM;
	if ((memory = syscall(SYS_memfd_create, "standin", 1)) < 0)
		return OPERATING_SYSTEM;
	close(memory);
	if (!reached("/dev/nvidia-uvm", &fd))
		return UNKNOWN;
	DIR *d = opendir("/proc/driver/nvidia/gpus");
	if (!d)
		return NO_DEVICE;
	int worst = OK;
	for (struct dirent *e; (e = readdir(d));) {
		if (e->d_name[0] == '.')
			continue;
		int code = gpu(e->d_name);
		if (code == OK)
			devices++;
		else
			worst = code;
	}
	closedir(d);
	return devices ? OK : worst ? worst : NO_DEVICE;
}

int cuDriverGetVersion(int *version) { *version = 1000; return OK; } // CUDA 1.0: no driver of today says so
int cuDeviceGetCount(int *count) { *count = devices; return devices ? OK : NOT_INITIALIZED; }
int cuDeviceGet(int *device, int ordinal) { *device = ordinal; return ordinal < devices ? OK : 101; }
int cuDeviceGetName(char *name, int size, int device) { (void)device; snprintf(name, size, "STAND-IN, no GPU"); return OK; }
int cuDevicePrimaryCtxRetain(void **context, int device) { (void)device; *context = &devices; return OK; }
int cuCtxSetCurrent(void *context) { (void)context; return OK; }

int cuMemAlloc_v2(unsigned long long *memory, size_t size) {
	if (used + size > limit)
		return OUT_OF_MEMORY;
	void *p = size > 1 << 26 ? mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0) : malloc(size);
	if (!p || p == MAP_FAILED)
		return OUT_OF_MEMORY;
	used += size;
	*memory = (unsigned long long)p;
	return OK;
}

int cuMemFree_v2(unsigned long long memory) { (void)memory; return OK; } // a test is over soon
int cuMemsetD32_v2(unsigned long long memory, unsigned value, size_t count) {
	for (size_t i = 0; i < count; i++)
		((unsigned *)memory)[i] = value;
	return OK;
}
int cuMemcpyHtoD_v2(unsigned long long to, const void *from, size_t size) { memcpy((void *)to, from, size); return OK; }
int cuMemcpyDtoH_v2(void *to, unsigned long long from, size_t size) { memcpy(to, (void *)from, size); return OK; }

// A module is its text; what a "kernel" does is known by its name.
int cuModuleLoadData(void **module, const void *image) { *module = strdup(image); return *module ? OK : OUT_OF_MEMORY; }
int cuModuleGetFunction(const char **function, void *module, const char *name) {
	*function = !strcmp(name, "fill") ? "fill" : "spin";
	return strstr(module, name) ? OK : 500;
}
int cuLaunchKernel(const char *function, unsigned gx, unsigned gy, unsigned gz, unsigned bx, unsigned by, unsigned bz, unsigned shared, void *stream, void **args, void **extra) {
	(void)gx, (void)gy, (void)gz, (void)bx, (void)by, (void)bz, (void)shared, (void)stream, (void)extra;
	spinning = strcmp(function, "fill") != 0;
	if (!spinning)
		for (unsigned i = 0; i < *(unsigned *)args[1]; i++)
			(*(unsigned **)args[0])[i] = i;
	return OK;
}
int cuCtxSynchronize(void) {
	while (spinning)
		nanosleep(&(struct timespec){.tv_sec = 1}, NULL);
	return OK;
}
