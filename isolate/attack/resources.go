package attack

// resources are attacks on memory, processes, disk and time.
func resources() []Check {
	return []Check{
		{
			ID: "R-01", Title: "takes twice the memory it may have", Layers: []string{"cgroup"}, Needs: []string{"cgroup"},
			Setup: Setup{MemoryMB: 48, Alone: "R-01"},
			Probes: []Probe{
				{Name: "allocate", Try: takeMemory, Want: Saw{"oom": "cgroup"}, Through: []string{"through"}},
			},
		},
	}
}

// takeMemory touches twice the limit, page by page.
func takeMemory(in *Inside) string {
	b := make([]byte, 2*in.Setup.MemoryMB<<20)
	for i := 0; i < len(b); i += 4096 {
		b[i] = 1
	}
	return "through"
}
