package advise

// nvml are the errors of NVIDIA's management library, which nvidia-smi prints (nvmlReturn_t, NVML API reference). That
// NVML works proves little: CUDA failed beside it in NVIDIA/NemoClaw issue 4016.
func nvml() []GPUError {
	return []GPUError{
		{ID: "nvml-unknown-error", Names: "NVML_ERROR_UNKNOWN (999): Failed to initialize NVML: Unknown Error",
			Means: "the device control of the cgroup took the node away, or the driver answered in no known way",
			Causes: []Cause{
				{"systemctl daemon-reload rewrote the device rules of a scope that systemd manages, in the middle of a run", "start the command again; loadlock's own groups lie in a delegated subtree, one that encloses loadlock (a container) may not"},
				{"/dev/nvidiactl is not there, or is refused by the device cgroup of a container around loadlock", "start that container with its GPUs (--gpus all, or CDI); then loadlock doctor --gpu"},
				{"a command of ioctl is refused that this driver needs", learnIoctls},
			},
			Checks: []string{"loadlock doctor --gpu", "nvidia-smi   (outside loadlock, in the same container)"},
			Says:   []string{`Failed to initialize NVML: Unknown Error`},
			Refs:   []string{"NVIDIA/nvidia-docker issues 1650 and 1671"}},
		{ID: "nvml-insufficient-permissions", Names: "NVML_ERROR_NO_PERMISSION (4): Failed to initialize NVML: Insufficient Permissions",
			Means: "a node or a socket that NVML opens was refused with EACCES",
			Causes: []Cause{
				{"the node's mode or group keeps the workload out", "run as a user of the node's group, or set the driver's NVreg_DeviceFileMode=0666"},
				{"the node lies on a mount with nodev (a bind in a container around loadlock)", "loadlock's own binds have none; start the container with its GPUs instead of a bind of /dev"},
				{"/run/nvidia-persistenced/socket is there and refused", "inside it does not exist, which NVML takes well; --ro of its folder would spoil it"},
				{"SELinux: a container may not use devices", "on the host: setsebool -P container_use_devices 1"},
			},
			Checks: []string{"ls -l /dev/nvidia*", "loadlock doctor --gpu", "getenforce"},
			Says:   []string{`Failed to initialize NVML: Insufficient Permissions`},
			Refs:   []string{"NVIDIA/nvidia-container-toolkit issues 33 and 210", "NVIDIA/nvidia-docker issue 676"}},
		{ID: "nvml-version-mismatch", Names: "NVML_ERROR_LIB_RM_VERSION_MISMATCH (18): Failed to initialize NVML: Driver/library version mismatch",
			Means: "the kernel's module and libnvidia-ml are of different versions",
			Causes: []Cause{
				{"the driver was updated and the old module is still loaded", sameVersion},
			},
			Checks: []string{"loadlock doctor --gpu", "cat /proc/driver/nvidia/version", "ldconfig -p | grep libnvidia-ml"},
			Says:   []string{`Failed to initialize NVML: Driver/library version mismatch`},
			Refs:   []string{"NVML API reference, nvmlReturn_t"}},
		{ID: "nvml-driver-not-loaded", Names: "NVML_ERROR_DRIVER_NOT_LOADED (9): NVIDIA driver is not loaded",
			Means: "NVML found no driver",
			Causes: []Cause{
				{"no GPU was granted", "loadlock run --gpu 0 …"},
				{"the module nvidia is not loaded on the host", "on the host, as root: modprobe nvidia, then nvidia-modprobe -u -c=0"},
			},
			Checks: []string{"loadlock doctor --gpu", "cat /proc/driver/nvidia/version"},
			Says:   []string{`couldn't communicate with the NVIDIA driver`, `NVMLError_DriverNotLoaded`},
			Refs:   []string{"NVML API reference, nvmlReturn_t"}},
		{ID: "nvml-library-not-found", Names: "NVML_ERROR_LIBRARY_NOT_FOUND (12): NVML Shared Library Not Found",
			Means: "libnvidia-ml.so.1 was not found",
			Causes: []Cause{
				{"the host's driver was installed without it, or no driver is installed", askDoctor},
			},
			Checks: []string{"ldconfig -p | grep libnvidia-ml"},
			Says:   []string{`NVML Shared Library Not Found`, `NVMLError_LibraryNotFound`, `couldn't find libnvidia-ml\.so`},
			Refs:   []string{"NVML API reference, nvmlReturn_t"}},
		{ID: "gpu-blocked-by-os", Names: "NVML_ERROR_OPERATING_SYSTEM (17): GPU access blocked by the operating system",
			Means: "the control node was refused, or /sys does not show that the driver is loaded",
			Causes: []Cause{
				{"no GPU was granted: neither nodes nor /sys/module/nvidia exist inside", "loadlock run --gpu 0 …"},
				{"/sys/module/nvidia/initstate is missing inside", wholeSysfs},
				{"the device cgroup of a container around loadlock refuses the node", "start that container with its GPUs (--gpus all, or CDI)"},
				{"WSL2 lost its device", "on Windows: wsl --shutdown, and start it again"},
			},
			Checks: []string{"loadlock doctor --gpu", "cat /sys/module/nvidia/initstate /sys/module/nvidia/version", "loadlock run --gpu 0 -- cat /sys/module/nvidia/initstate"},
			Says:   []string{`GPU access blocked by the operating system`},
			Refs:   []string{"NVML API reference, nvmlReturn_t", "systemd/systemd issue 38018"}},
	}
}

// hip are the errors of AMD's user space. HIP's numbers are CUDA's (hip_runtime_api.h).
func hip() []GPUError {
	return []GPUError{
		{ID: "hip-kfd", Names: "ROCr: Unable to open /dev/kfd read-write",
			Means: "ROCm could not open the compute node; what follows is HSA_STATUS_ERROR_OUT_OF_RESOURCES",
			Causes: []Cause{
				{"No such file or directory: no GPU was granted, or the host has no amdgpu with KFD", "loadlock run --gpu 0 …; loadlock doctor --gpu"},
				{"Permission denied: the node belongs to root:render, and the user is not of that group", "on the host: usermod -aG render,video USER, and log in again; loadlock keeps the caller's groups"},
				{"Cannot allocate memory, Invalid argument: the kernel's KFD does not support the card, or ROCm is too old or new for the kernel", "on the host: dmesg | grep kfd; install the ROCm version that suits the kernel"},
			},
			Checks: []string{"ls -l /dev/kfd /dev/dri/renderD*; id", "loadlock run --gpu 0 -- ls -l /dev/kfd"},
			Says:   []string{`Unable to open /dev/kfd read-write`},
			Refs:   []string{"ROCm/legacy-rocm-build issues 1211, 1798 and 2232", "ROCm/rocminfo issue 34"}},
		{ID: "hip-100", Names: "hipErrorNoDevice: no ROCm-capable device is detected",
			Means: "HIP sees no GPU",
			Causes: []Cause{
				{"no GPU was granted", "loadlock run --gpu 0 …"},
				{"/dev/kfd or the render node is not reachable", "loadlock explain hip-kfd"},
				{"the topology below /sys/class/kfd is missing inside", wholeSysfs},
				{"ROCR_VISIBLE_DEVICES or HIP_VISIBLE_DEVICES names a GPU that was not granted", "leave them to loadlock"},
				{"this ROCm does not know the card's architecture", "HSA_OVERRIDE_GFX_VERSION (--env), at your own risk; see AMD's list of supported cards"},
			},
			Checks: []string{"loadlock doctor --gpu --probe", "loadlock run --gpu 0 -- ls -l /dev/kfd /dev/dri"},
			Says:   []string{`No HIP GPUs are available`, `no ROCm-capable device is detected`, `hipErrorNoDevice`},
			Refs:   []string{"ROCm/legacy-rocm-build issue 4864"}},
		{ID: "hip-999", Names: "hipErrorUnknown: unknown error",
			Means: "ROCm's user space failed in a way for which it has no name",
			Causes: []Cause{
				{"ROCm and the kernel's KFD do not suit each other", "install the ROCm version that suits the kernel"},
				{"a command of ioctl is refused that this ROCm needs", learnIoctls},
			},
			Checks: []string{"loadlock explain last", "dmesg | grep -e kfd -e amdgpu"},
			Says:   []string{`HIP error(?: 999)?: unknown error`, `hipErrorUnknown`},
			Refs:   []string{"ROCm documentation, HIP error codes"}},
	}
}

// frameworks are messages that come from no driver.
func frameworks() []GPUError {
	return []GPUError{
		{ID: NoCUDABuild, Names: "PyTorch: Torch not compiled with CUDA enabled",
			Means: "this PyTorch was built for the CPU only: no sandbox and no GPU changes that",
			Causes: []Cause{
				{"the environment that the command uses has the CPU build (Debian's python3-torch is one)", "install a build with CUDA or ROCm into the virtual environment: https://pytorch.org/get-started"},
				{"another interpreter than expected was found", "name it: loadlock run … -- ./venv/bin/python load_model.py"},
			},
			Checks: []string{"python3 -c 'import torch; print(torch.__version__, torch.version.cuda, torch.version.hip)'"},
			Says:   []string{`Torch not compiled with CUDA enabled`, `PyTorch was compiled without CUDA support`},
			Refs:   []string{"pytorch/pytorch torch/cuda/__init__.py"}},
		{ID: "torch-cuda-load", Names: "PyTorch: Attempting to deserialize object on a CUDA device but torch.cuda.is_available() is False",
			Means: "the file was saved on a GPU, and the program loads it without one",
			Causes: []Cause{
				{"no GPU was granted", "loadlock run --gpu 0 …, or in the program: torch.load(…, map_location='cpu')"},
				{"a GPU was granted and CUDA does not start", "loadlock doctor --gpu --probe says why"},
			},
			Checks: []string{"loadlock doctor --gpu"},
			Says:   []string{`Attempting to deserialize object on a CUDA device but torch\.cuda\.is_available\(\) is False`},
			Refs:   []string{"pytorch/pytorch torch/serialization.py"}},
		{ID: "cuda-fork", Names: "PyTorch: Cannot re-initialize CUDA in forked subprocess",
			Means:  "a process that was forked after CUDA had started cannot use it",
			Causes: []Cause{{"a DataLoader's workers, or multiprocessing, fork after the first use of CUDA", "in the program: multiprocessing.set_start_method('spawn'); loadlock has nothing to do with it"}},
			Checks: []string{"run the same on the host without loadlock"},
			Says:   []string{`Cannot re-initialize CUDA in forked subprocess`},
			Refs:   []string{"pytorch/pytorch torch/cuda/__init__.py"}},
	}
}

// NoCUDABuild is the entry about a framework that could use no GPU if there were one.
const NoCUDABuild = "torch-no-cuda"
