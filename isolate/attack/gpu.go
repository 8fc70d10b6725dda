package attack

import _ "embed"

// GPUProbe is a Python program that asks a GPU's library whether the GPU computes; its argument is the vendor. It is what
// "loadlock doctor --gpu --probe" runs inside the sandbox.
//
//go:embed gpu_probe.py
var GPUProbe string
