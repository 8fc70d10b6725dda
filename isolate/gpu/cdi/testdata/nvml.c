// A libnvidia-ml.so for tests: as much of NVML as nvidia-ctk cdi generate asks for. The GPUs are in the environment
// variable MOCK_NVML, "minor bus UUID;" for each: "1 23 GPU-…;0 59 GPU-…;". Their NVML index is their place there.
// Signatures as in NVML's reference manual (docs.nvidia.com/deploy/nvml-api).
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SUCCESS = 0, INVALID_ARGUMENT = 2, NOT_FOUND = 6, MAX = 16 };

struct gpu { unsigned minor, bus; char uuid[80]; };
static struct gpu gpus[MAX];
static unsigned count;

struct pci { // nvmlPciInfo_t
	char legacy[16];
	unsigned domain, bus, device, id, subsystem;
	char name[32];
};

static void read_gpus(void) {
	const char *at = getenv("MOCK_NVML");
	for (count = 0; at && count < MAX; count++) {
		int length = 0;
		if (sscanf(at, "%u %u %79[^;];%n", &gpus[count].minor, &gpus[count].bus, gpus[count].uuid, &length) != 3 || !length) break;
		at += length;
	}
}

int nvmlInit_v2(void) { read_gpus(); return SUCCESS; }
int nvmlInitWithFlags(unsigned flags) { (void)flags; return nvmlInit_v2(); }
int nvmlShutdown(void) { return SUCCESS; }
const char *nvmlErrorString(int code) { return code ? "error of the mock" : "success"; }
int nvmlSystemGetDriverVersion(char *out, unsigned size) { snprintf(out, size, "%s", getenv("MOCK_NVML_DRIVER")); return SUCCESS; }
int nvmlSystemGetCudaDriverVersion(int *out) { *out = 13000; return SUCCESS; }
int nvmlDeviceGetCount_v2(unsigned *out) { *out = count; return SUCCESS; }
int nvmlDeviceGetHandleByIndex_v2(unsigned index, struct gpu **out) {
	if (index >= count) return INVALID_ARGUMENT;
	*out = &gpus[index];
	return SUCCESS;
}
int nvmlDeviceGetHandleByUUID(const char *uuid, struct gpu **out) {
	for (unsigned i = 0; i < count; i++)
		if (!strcmp(gpus[i].uuid, uuid)) return nvmlDeviceGetHandleByIndex_v2(i, out);
	return NOT_FOUND;
}
int nvmlDeviceGetIndex(struct gpu *g, unsigned *out) { *out = g - gpus; return SUCCESS; }
int nvmlDeviceGetMinorNumber(struct gpu *g, unsigned *out) { *out = g->minor; return SUCCESS; }
int nvmlDeviceGetUUID(struct gpu *g, char *out, unsigned size) { snprintf(out, size, "%s", g->uuid); return SUCCESS; }
int nvmlDeviceGetName(struct gpu *g, char *out, unsigned size) { (void)g; snprintf(out, size, "NVIDIA H100 80GB HBM3"); return SUCCESS; }
int nvmlDeviceGetPciInfo_v3(struct gpu *g, struct pci *out) {
	memset(out, 0, sizeof *out);
	out->bus = g->bus;
	snprintf(out->legacy, sizeof out->legacy, "0000:%02X:00.0", g->bus);
	snprintf(out->name, sizeof out->name, "00000000:%02X:00.0", g->bus);
	return SUCCESS;
}
int nvmlDeviceGetMigMode(struct gpu *g, unsigned *now, unsigned *pending) { (void)g; *now = *pending = 0; return SUCCESS; }
int nvmlDeviceGetMaxMigDeviceCount(struct gpu *g, unsigned *out) { (void)g; *out = 0; return SUCCESS; }
