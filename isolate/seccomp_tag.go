//go:build linux && !seccomp

package isolate

// libcontainer without the build tag has no seccomp. Make that build impossible.
var _ = build_loadlock_with_the_tag_seccomp__go_build_minus_tags_seccomp
