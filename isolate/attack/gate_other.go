//go:build !amd64

package attack

func portCalls() []Probe    { return nil }
func segmentCalls() []Probe { return nil }
func gates() []Probe        { return nil }
func vsyscalls() []Probe    { return nil }
