//go:build race

package runner

// racing: the race detector keeps shadow memory, which is no measure of ours.
const racing = true
