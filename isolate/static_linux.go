//go:build !nvml

package isolate

// The program is static, so that the box's first process needs no library inside. With NVML, which is a library that is
// loaded while the program runs, it cannot be; see package isolate/gpu/memory.

// #cgo LDFLAGS: -static
import "C"
