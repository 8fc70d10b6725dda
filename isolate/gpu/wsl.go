package gpu

// wslFolders hold Windows' libraries: libcuda, libd3d12 and libdxcore, and those of the GPUs. Each is a mount of its own
// (overlay and 9p), so a bind of the folder above would show them empty.
var wslFolders = []string{"/usr/lib/wsl/lib", "/usr/lib/wsl/drivers"}

// wsl finds the paravirtual GPU of the Windows Subsystem for Linux 2, best effort: /dev/dxg stands for every GPU of
// Windows, so a grant is of all of them; which one is used is the library's choice.
func (s *search) wsl() {
	text, err := s.text("/proc/misc", maxAttribute)
	if err != nil {
		return
	}
	minor, ok := miscMinor(text, "dxg")
	misc, also := major(s.majors, "misc")
	if !ok || !also {
		return
	}
	node, err := s.node("/dev/dxg", misc, minor, "every GPU of Windows")
	if err != nil {
		s.problem(WSL, "", nodeProblem(node, err), "restart WSL: wsl --shutdown")
	}
	driver := Driver{Vendor: WSL, Version: s.release(), view: newView()}
	for _, dir := range wslFolders {
		if at, err := s.real(dir); err != nil || at != dir {
			s.problem(WSL, "", dir+" is absent", "update WSL: wsl --update")
		}
		driver.view.mounts = append(driver.view.mounts, Mount{Source: s.host(dir), Target: dir, Exec: true, Why: "Windows' libraries"})
	}
	s.Drivers = append(s.Drivers, driver)
	s.GPUs = append(s.GPUs, GPU{Vendor: WSL, Model: "all GPUs of Windows", Nodes: []Node{node}, view: newView()})
}
