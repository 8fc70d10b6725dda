package policy

// GPU says which GPUs a run may have and gets. The zero value gives none and permits none. Whether one may be used at all
// is Operations.GPU.
type GPU struct {
	Mode      GPUMode   // without --gpu
	Devices   []string  // what may be granted: "all", or names as --gpu takes them
	MemoryMB  int64     // most memory of each granted GPU, MiB; 0: no limit of its own
	Enforce   GPUMemory // what must hold that limit
	MinDriver string    // oldest driver version, "535.104"; empty: any
	Ioctls    GPUIoctls
	Sysfs     GPUSysfs
}

// GPUMode says whether a run gets a GPU when the command line says nothing.
type GPUMode int

// The zero value gives none. Optional also lets a run whose GPU is absent go on without.
const (
	GPUNone GPUMode = iota
	GPUOptional
	GPURequired
)

// GPUMemory says how strong the limit of GPU memory must be.
type GPUMemory int

// The zero value demands the kernel or the hardware.
const (
	GPUMemoryRequireHard GPUMemory = iota // the dmem cgroup or MIG; otherwise the run is refused
	GPUMemoryBestEffort                   // or else a watcher, which kills afterwards
)

// GPUIoctls says what happens to ioctl commands that a GPU's list does not name.
type GPUIoctls int

// The zero value refuses them.
const (
	GPUIoctlsStrict GPUIoctls = iota
	GPUIoctlsLog
	GPUIoctlsOff
)

// GPUSysfs says how much of /sys exists beside a GPU.
type GPUSysfs int

// The zero value shows the few files that the drivers' libraries read, of the granted GPU only.
const (
	GPUSysfsMinimal GPUSysfs = iota
	GPUSysfsFull
)
