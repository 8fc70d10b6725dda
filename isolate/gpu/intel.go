package gpu

import "path"

// intel finds the GPUs of i915 and xe. Level Zero and OpenCL come with the venv or the image.
func (s *search) intel() {
	driver := Driver{Vendor: Intel, Version: s.release(), view: newView()}
	for _, r := range s.renders() {
		if r.busID == "" || r.vendor != "0x8086" || r.driver != "i915" && r.driver != "xe" {
			continue
		}
		g := s.renderGPU(Intel, r)
		g.Model = plain(r.driver + " " + s.attribute(path.Join("/sys/bus/pci/devices", r.busID, "device")))
		s.copyTo(driver.view, path.Join("/sys/module", r.driver), "initstate")
		s.GPUs = append(s.GPUs, g)
	}
	if len(s.GPUs) > 0 && s.GPUs[len(s.GPUs)-1].Vendor == Intel {
		s.Drivers = append(s.Drivers, driver)
	}
}
