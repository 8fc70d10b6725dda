package isolate

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// surroundings is what this process can know about who confined it before it came to confine others.
type surroundings struct {
	container string // "docker", "kubernetes", "podman", …; "" when nothing says so
	filtered  bool   // a seccomp filter is in force already
	apparmor  string // the AppArmor label, "" for none
}

func lookAround() surroundings {
	s := surroundings{container: containerName()}
	if raw, err := os.ReadFile("/proc/self/status"); err == nil {
		s.filtered = strings.Contains(string(raw), "\nSeccomp:\t2\n")
	}
	for _, file := range []string{"/proc/self/attr/apparmor/current", "/proc/self/attr/current"} {
		if raw, err := os.ReadFile(file); err == nil {
			s.apparmor, _, _ = strings.Cut(strings.TrimRight(string(raw), "\x00\n"), " ")
			break
		}
	}
	if s.apparmor == "unconfined" {
		s.apparmor = ""
	}
	return s
}

// containerName goes by the marks that container managers leave: systemd's container interface documents the variable
// and /run/host/container-manager, Docker and Podman leave a file, the kubelet sets a variable.
func containerName() string {
	if os.Getenv("KUBERNETES_SERVICE_HOST") != "" {
		return "kubernetes"
	}
	for file, name := range map[string]string{"/.dockerenv": "docker", "/run/.containerenv": "podman"} {
		if _, err := os.Stat(file); err == nil {
			return name
		}
	}
	if raw, err := os.ReadFile("/run/host/container-manager"); err == nil {
		return strings.TrimSpace(string(raw))
	}
	return os.Getenv("container")
}

// The remedies for what a container's manager refuses, in its own words.
const (
	remedyFilter = "start the container with: docker run --security-opt seccomp=unconfined (Kubernetes: securityContext.seccompProfile.type: Unconfined); loadlock's own filter still applies to the command"
	remedyMasks  = "start the container with: docker run --security-opt systempaths=unconfined (podman: --security-opt unmask=ALL; Kubernetes: hostUsers: false and securityContext.procMount: Unmasked); a new /proc may not show what the container's own /proc hides"
	remedyLabel  = "start the container with: docker run --security-opt apparmor=unconfined (Kubernetes: securityContext.appArmorProfile.type: Unconfined)"
	remedyUbuntu = "loadlock doctor prints an AppArmor profile that allows it to this program, and how to install it; or sysctl kernel.apparmor_restrict_unprivileged_userns=0"
)

// lack turns a refused step into a layer's error with what to do about it.
func (e *TrialError) lack() *LayerError {
	at, err := lookAround(), &LayerError{Layer: e.Layer, Err: e, Remedy: userLayer.Remedy}
	userStep := e.Layer == userLayer.Name
	switch {
	case userStep && errors.Is(e.Errno, unix.ENOSPC):
		err.Remedy = "sysctl user.max_user_namespaces=15000: the limit is 0 or used up (namespaces(7))"
	case setting("/proc/sys/kernel/apparmor_restrict_unprivileged_userns") == "1" && os.Geteuid() != 0, at.apparmor == "unprivileged_userns":
		err.Remedy = remedyUbuntu
	case userStep && setting("/proc/sys/kernel/unprivileged_userns_clone") == "0" && os.Geteuid() != 0:
		err.Remedy = "sysctl kernel.unprivileged_userns_clone=1, or run as root"
	case at.apparmor != "" && errors.Is(e.Errno, unix.EACCES):
		err.Remedy = "AppArmor confines this process (" + at.apparmor + "): " + remedyLabel
	case e.Step == trialSteps[2].Step && errors.Is(e.Errno, unix.EPERM):
		err.Remedy = remedyMasks
	case at.filtered:
		err.Remedy = "a seccomp filter is in force on loadlock itself: " + remedyFilter
	case errors.Is(e.Errno, unix.EINVAL):
		err.Remedy = "the root file system is an initramfs, which nothing can be pivoted away from (pivot_root(2)): move to a tmpfs or a disk first"
	case userStep:
		err.Remedy += "; inside a chroot the kernel makes no user namespaces at all (user_namespaces(7))"
	}
	return err
}

// asLimited prepares a start as root of a container that cannot reach into the box's mount namespace. libcontainer then
// treats it as it does an ordinary user: the box's own root opens what is bound, and supplementary groups stay; so they
// are given up here, by a supervisor that does not need them.
func (b *Box) asLimited() error {
	if !b.spec.Host.Limited || b.spec.Host.Rootless {
		return nil
	}
	if err := syscall.Setgroups(nil); err != nil {
		return &LayerError{Layer: userLayer.Name, Remedy: "let root of the container have CAP_SETGID", Err: fmt.Errorf("giving up groups: %w", err)}
	}
	base := int(b.spec.Host.IDBase)
	for _, dir := range b.spec.Host.Private {
		if err := os.Chown(dir, base, base); err != nil {
			return fmt.Errorf("run folder: %w", err)
		}
	}
	return nil
}

// keysRefused reports whether a filter keeps this process, and so everything it starts, from all keyrings; then the box
// needs none of its own (keyctl(2)).
func keysRefused() bool {
	_, err := unix.KeyctlGetKeyringID(unix.KEY_SPEC_SESSION_KEYRING, false)
	return errors.Is(err, unix.EPERM) || errors.Is(err, unix.ENOSYS)
}

// diagnose says which layer kept a box from starting, where a trial can tell: libcontainer's errors name its own steps.
func (b *Box) diagnose(err error) error {
	var layer *LayerError
	if err == nil || errors.As(err, &layer) {
		return err
	}
	var refused *TrialError
	if errors.As(TryNamespaces(), &refused) {
		return refused.lack()
	}
	if strings.Contains(err.Error(), "MOUNT_ATTR_IDMAP") {
		return &LayerError{Layer: mountLayer.Name, Err: err, Remedy: "its file system cannot show it as the command's own on this kernel (a tmpfs can since Linux 6.3): " +
			"chmod o+rX what is to be read, or put it on another file system"}
	}
	if b.spec.Host.Limited && strings.Contains(err.Error(), "permission denied") {
		return &LayerError{Layer: mountLayer.Name, Err: err, Remedy: "without CAP_SYS_ADMIN and CAP_SYS_PTRACE, what exists inside must lie in folders that are open to others: " +
			"chmod o+x them, or start the container with --cap-add SYS_ADMIN --cap-add SYS_PTRACE"}
	}
	return err
}

// setting is the value of a kernel setting, "" when it cannot be read or does not exist.
func setting(file string) string {
	raw, _ := os.ReadFile(file)
	return strings.TrimSpace(string(raw))
}
