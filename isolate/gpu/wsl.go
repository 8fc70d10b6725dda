package gpu

// wslFolder holds Windows' libraries: libcuda, libd3d12, libdxcore, and below drivers/ those of the GPUs.
const wslFolder = "/usr/lib/wsl"

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
	if at, err := s.real(wslFolder); err != nil || at != wslFolder {
		s.problem(WSL, "", wslFolder+" is absent", "update WSL: wsl --update")
	}
	driver.view.mounts = []Mount{{Source: s.host(wslFolder), Target: wslFolder, Exec: true, Why: "Windows' libraries"}}
	s.Drivers = append(s.Drivers, driver)
	s.GPUs = append(s.GPUs, GPU{Vendor: WSL, Model: "all GPUs of Windows", Nodes: []Node{node}, view: newView()})
}
