//go:build !nvml

package memory

// nvidia is who tells about NVIDIA's GPUs: the host's nvidia-smi. With the build tag nvml it is the driver's own library.
func nvidia(root string) (source, error) { return findSmi(root) }
