package isolate

import (
	"errors"
	"fmt"
	"io/fs"

	ll "github.com/landlock-lsm/go-landlock/landlock/syscall"
	"github.com/loadlock/loadlock/policy"
	"golang.org/x/sys/unix"
)

// landlockABI is the kernel's Landlock version, 1 or more.
func landlockABI() (int, error) {
	abi, err := ll.LandlockGetABIVersion()
	switch {
	case errors.Is(err, unix.ENOSYS), errors.Is(err, unix.EOPNOTSUPP):
		return 0, fmt.Errorf("landlock: %w: %w", ErrUnsupported, err)
	case err != nil:
		return 0, fmt.Errorf("landlock: %w", err)
	}
	return abi, nil
}

const (
	llRead  = ll.AccessFSReadFile | ll.AccessFSReadDir
	llWrite = ll.AccessFSWriteFile | ll.AccessFSRemoveDir | ll.AccessFSRemoveFile | ll.AccessFSMakeDir |
		ll.AccessFSMakeReg | ll.AccessFSMakeSock | ll.AccessFSMakeFifo | ll.AccessFSMakeSym
	llRefused = ll.AccessFSMakeChar | ll.AccessFSMakeBlock
	// fileRights are the rights that may be attached to something that is not a directory.
	fileRights = ll.AccessFSExecute | ll.AccessFSWriteFile | ll.AccessFSReadFile | ll.AccessFSTruncate | ll.AccessFSIoctlDev
)

// handled is what the ruleset denies unless a rule allows it, by ABI version (landlock(7)).
func handled(abi int, s Spec) ll.RulesetAttr {
	attr := ll.RulesetAttr{HandledAccessFS: llRead | llWrite | llRefused | ll.AccessFSExecute}
	if abi >= 2 {
		attr.HandledAccessFS |= ll.AccessFSRefer
	}
	if abi >= 3 {
		attr.HandledAccessFS |= ll.AccessFSTruncate
	}
	if abi >= 4 && s.Sandbox.Network != policy.NetworkHost && !s.Sandbox.LoopbackTCP {
		attr.HandledAccessNet = ll.AccessNetBindTCP | ll.AccessNetConnectTCP
	}
	if abi >= 5 {
		attr.HandledAccessFS |= ll.AccessFSIoctlDev
	}
	if abi >= 6 {
		attr.Scoped = ll.ScopeAbstractUnixSocket | ll.ScopeSignal
	}
	return attr
}

func (a access) rights() (fs uint64) {
	if a&readOnly != 0 {
		fs |= llRead
	}
	if a&execute != 0 {
		fs |= ll.AccessFSExecute
	}
	if a&write != 0 {
		fs |= llRead | llWrite | ll.AccessFSRefer | ll.AccessFSTruncate
	}
	if a&overwrite != 0 {
		fs |= ll.AccessFSWriteFile | ll.AccessFSTruncate
	}
	if a&deviceIO != 0 {
		fs |= ll.AccessFSIoctlDev
	}
	return fs
}

// ruleset builds the Landlock ruleset for paths below root (/proc/<pid>/root) with what that ABI knows, and returns its
// descriptor. A path that does not exist inside needs no rule.
func ruleset(abi int, root string, s Spec) (int, error) {
	attr := handled(abi, s)
	fd, err := ll.LandlockCreateRuleset(&attr, 0)
	if err != nil {
		return -1, fmt.Errorf("landlock_create_ruleset: %w", err)
	}
	for _, r := range landlockRules(s) {
		if err := addRule(fd, root, r, attr.HandledAccessFS); err != nil && !errors.Is(err, fs.ErrNotExist) {
			unix.Close(fd)
			return -1, fmt.Errorf("landlock rule for %s: %w", r.path, err)
		}
	}
	if attr.HandledAccessNet != 0 {
		for _, r := range portRules(s) {
			if err := ll.LandlockAddNetPortRule(fd, &r, 0); err != nil {
				unix.Close(fd)
				return -1, fmt.Errorf("landlock rule for port %d: %w", r.Port, err)
			}
		}
	}
	return fd, nil
}

// portRules are the TCP ports of the box's loopback: the proxy's to connect to, published ones to bind.
func portRules(s Spec) (rules []ll.NetPortAttr) {
	if s.Sandbox.Network == policy.NetworkAllow {
		rules = append(rules, ll.NetPortAttr{AllowedAccess: ll.AccessNetConnectTCP, Port: ProxyPort})
	}
	for _, p := range s.Ports {
		rules = append(rules, ll.NetPortAttr{AllowedAccess: ll.AccessNetBindTCP, Port: uint64(p)})
	}
	return rules
}

func addRule(ruleset int, root string, r pathRule, handled uint64) error {
	dir, err := unix.Open(root, unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return fmt.Errorf("open %s: %w", root, err)
	}
	defer unix.Close(dir)
	// RESOLVE_IN_ROOT: links inside are followed as the workload would follow them.
	fd, err := unix.Openat2(dir, r.path, &unix.OpenHow{Flags: unix.O_PATH | unix.O_CLOEXEC, Resolve: unix.RESOLVE_IN_ROOT})
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		return err
	}
	rights := r.access.rights() & handled
	if st.Mode&unix.S_IFMT != unix.S_IFDIR {
		rights &= fileRights
	}
	if rights == 0 { // this kernel's Landlock knows none of them; an empty rule is ENOMSG
		return nil
	}
	return ll.LandlockAddPathBeneathRule(ruleset, &ll.PathBeneathAttr{ParentFd: fd, AllowedAccess: rights}, 0)
}
