package gpu

import "regexp"

// What of the host ends in a path or a variable has one of these shapes; anything else is a Problem.
var (
	busID      = regexp.MustCompile(`^[0-9a-f]{4,8}:[0-9a-f]{2}:[0-9a-f]{2}\.[0-7]$`)
	gpuUUID    = regexp.MustCompile(`^GPU-[0-9a-fA-F]{8}(-?[0-9a-fA-F]{4}){2}(-[0-9a-fA-F]{4}-[0-9a-fA-F]{12})?$`) // NVIDIA's 128 bits, AMD's 64
	migUUID    = regexp.MustCompile(`^MIG-[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$`)
	migOld     = regexp.MustCompile(`^MIG-(GPU-[0-9a-fA-F-]{36})/([0-9]{1,2})/([0-9]{1,2})$`)
	migNumbers = regexp.MustCompile(`^mig:([0-9]{1,3}):([0-9]{1,2}):([0-9]{1,2})$`)
	version    = regexp.MustCompile(`^[0-9]{1,5}(\.[0-9]{1,5}){1,3}$`)
)
