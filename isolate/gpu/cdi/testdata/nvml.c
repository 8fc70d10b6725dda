// A libnvidia-ml.so for tests: as much of NVML as nvidia-ctk cdi generate asks for. The GPUs are in the environment
// variable MOCK_NVML, "minor bus UUID;" for each: "1 23 GPU-…;0 59 GPU-…;". Their NVML index is their place there. The MIG
// instances are in MOCK_NVML_MIG, "index gi ci UUID;" for each, with the index of their GPU.
// Signatures as in NVML's reference manual (docs.nvidia.com/deploy/nvml-api).
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SUCCESS = 0, INVALID_ARGUMENT = 2, NOT_FOUND = 6, MAX = 16 };

struct gpu { unsigned minor, bus; char uuid[80]; struct gpu *parent; unsigned gi, ci; }; // an instance has a parent
static struct gpu gpus[MAX], instances[MAX];
static unsigned count, divided;

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
	at = getenv("MOCK_NVML_MIG");
	for (divided = 0; at && divided < MAX; divided++) {
		struct gpu *m = &instances[divided];
		unsigned index;
		int length = 0;
		if (sscanf(at, "%u %u %u %79[^;];%n", &index, &m->gi, &m->ci, m->uuid, &length) != 4 || !length || index >= count) break;
		m->parent = &gpus[index];
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
	for (unsigned i = 0; i < divided; i++)
		if (!strcmp(instances[i].uuid, uuid)) return *out = &instances[i], SUCCESS;
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
int nvmlDeviceGetMigDeviceHandleByIndex(struct gpu *g, unsigned index, struct gpu **out) {
	for (unsigned i = 0; i < divided; i++)
		if (instances[i].parent == g && index-- == 0) return *out = &instances[i], SUCCESS;
	return NOT_FOUND;
}
int nvmlDeviceGetMaxMigDeviceCount(struct gpu *g, unsigned *out) { (void)g; *out = divided ? 7 : 0; return SUCCESS; }
int nvmlDeviceGetMigMode(struct gpu *g, unsigned *now, unsigned *pending) {
	struct gpu *first;
	*now = *pending = nvmlDeviceGetMigDeviceHandleByIndex(g, 0, &first) == SUCCESS;
	return SUCCESS;
}
int nvmlDeviceIsMigDeviceHandle(struct gpu *g, unsigned *out) { *out = g->parent != NULL; return SUCCESS; }
int nvmlDeviceGetDeviceHandleFromMigDeviceHandle(struct gpu *g, struct gpu **out) { *out = g->parent; return SUCCESS; }
int nvmlDeviceGetGpuInstanceId(struct gpu *g, unsigned *out) { *out = g->gi; return SUCCESS; }
int nvmlDeviceGetComputeInstanceId(struct gpu *g, unsigned *out) { *out = g->ci; return SUCCESS; }
int nvmlDeviceGetMemoryInfo(struct gpu *g, unsigned long long out[3]) { // total, free, used
	out[0] = out[1] = (g->parent ? 10ULL : 80ULL) << 30;
	out[2] = 0;
	return SUCCESS;
}
struct attributes { unsigned processors, copy, decoders, encoders, jpeg, ofa, gpu_slices, compute_slices; unsigned long long mebibytes; };
int nvmlDeviceGetAttributes_v2(struct gpu *g, struct attributes *out) { // of a 1g.10gb
	(void)g;
	*out = (struct attributes){.processors = 16, .copy = 1, .gpu_slices = 1, .compute_slices = 1, .mebibytes = 9856};
	return SUCCESS;
}

// Both parts of an instance have the instance's own handle, and the only profile is 1g.10gb.
enum { NOT_SUPPORTED = 3, GI_PROFILE = 19, CI_PROFILE = 0 };
struct gi_info { struct gpu *device; unsigned id, profile, start, size; };
struct ci_info { struct gpu *device, *gi; unsigned id, profile, start, size; };
struct gi_profile { unsigned id, p2p, slices, count, processors, copy, decoders, encoders, jpeg, ofa; unsigned long long mebibytes; };
struct ci_profile { unsigned id, slices, count, processors, copy, decoders, encoders, jpeg, ofa; };

int nvmlDeviceGetGpuInstanceById(struct gpu *g, unsigned id, struct gpu **out) {
	for (unsigned i = 0; i < divided; i++)
		if (instances[i].parent == g && instances[i].gi == id) return *out = &instances[i], SUCCESS;
	return NOT_FOUND;
}
int nvmlGpuInstanceGetComputeInstanceById(struct gpu *g, unsigned id, struct gpu **out) {
	*out = g;
	return g->ci == id ? SUCCESS : NOT_FOUND;
}
int nvmlGpuInstanceGetInfo(struct gpu *g, struct gi_info *out) {
	*out = (struct gi_info){g->parent, g->gi, GI_PROFILE, g->gi, 1};
	return SUCCESS;
}
int nvmlComputeInstanceGetInfo_v2(struct gpu *g, struct ci_info *out) {
	*out = (struct ci_info){g->parent, g, g->ci, CI_PROFILE, 0, 1};
	return SUCCESS;
}
int nvmlDeviceGetGpuInstanceProfileInfo(struct gpu *g, unsigned profile, struct gi_profile *out) {
	(void)g;
	if (profile != 0) return NOT_SUPPORTED;
	*out = (struct gi_profile){.id = GI_PROFILE, .slices = 1, .count = 7, .processors = 16, .copy = 1, .mebibytes = 9856};
	return SUCCESS;
}
int nvmlGpuInstanceGetComputeInstanceProfileInfo(struct gpu *g, unsigned profile, unsigned engines, struct ci_profile *out) {
	(void)g;
	if (profile != 0 || engines != 0) return NOT_SUPPORTED;
	*out = (struct ci_profile){.id = CI_PROFILE, .slices = 1, .count = 1, .processors = 16, .copy = 1};
	return SUCCESS;
}
