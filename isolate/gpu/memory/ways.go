package memory

// Way is one mechanism, and whether this host has it for a GPU.
type Way struct {
	Mechanism Mechanism
	Has       bool
	Why       string // what it would be, or why there is none
}

// Ways looks at what could hold a limit of a GPU's memory, the strongest first, for a box in that group (see
// Request.Cgroup). It reads files, and starts and opens nothing: whether a watcher gets answers is seen when one starts.
func Ways(root, group string, d Device) []Way {
	mig := Way{MIG, d.MIG, "not divided into instances"}
	if d.MIG {
		mig.Why = "the hardware's own wall: an instance's size is the limit"
	}
	dmem := Way{Mechanism: Dmem}
	regions, why := dmemOf(root, group)
	switch mine := regionsOf(regions, d); {
	case d.MIG:
		dmem.Why = "not of an instance"
	case why != "":
		dmem.Why = why
	case len(mine) == 0:
		dmem.Why = "the driver registers no memory of it (NVIDIA does from r615 on)"
	default:
		dmem.Has, dmem.Why = true, "the kernel refuses what is beyond the limit: "+mine[0].name
	}
	watcher := Way{Watcher, true, "kills afterwards, and is no wall (gpu.enforce: best-effort)"}
	switch d.Vendor {
	case "nvidia":
		if !initialPidNamespace(root) {
			watcher.Has, watcher.Why = false, "NVIDIA's driver numbers processes as the machine does, and this is a container with numbers of its own"
		} else if _, err := nvidia(root); err != nil {
			watcher.Has, watcher.Why = false, err.Error()
		}
	case "amd", "intel":
	default:
		watcher.Has, watcher.Why = false, "its driver tells nobody which process uses how much"
	}
	return []Way{mig, dmem, watcher}
}
