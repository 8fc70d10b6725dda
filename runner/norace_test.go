//go:build !race

package runner

const racing = false
