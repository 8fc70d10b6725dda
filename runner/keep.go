package runner

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/loadlock/loadlock/policy"
	"github.com/loadlock/loadlock/validate"
	"golang.org/x/sys/unix"
)

// way is one means to keep a large file as it was scanned. try returns errNotThisWay when this file, file system or
// user does not give it; any other error ends the run.
type way struct {
	by  validate.Keeping
	try func(context.Context, *run, *validate.File) error
}

// ways by what the policy demands, the best first. A lease costs nothing and shares the page cache with whoever uses
// the file; a reflink is a new file to the page cache, so that every run reads it from the disk again. A full copy costs
// the time to write it; it is made where nothing else keeps the bytes (overlayfs: container images) and they must be kept.
var ways = map[policy.ModelFiles][]way{
	policy.ModelFilesHeld: {
		{validate.Verity, verity}, {validate.ReadOnly, readOnly}, {validate.Lease, lease}, {validate.Reflink, reflink}, {validate.Identity, identityOnly}},
	policy.ModelFilesUnchangeable: {
		{validate.Verity, verity}, {validate.ReadOnly, readOnly}, {validate.Lease, lease}, {validate.Reflink, reflink}, {validate.FullCopy, fullCopy}},
	policy.ModelFilesCopied: {
		{validate.Verity, verity}, {validate.ReadOnly, readOnly}, {validate.Reflink, reflink}, {validate.FullCopy, fullCopy}},
}

// errNotThisWay says that one way is not open for a file. What wraps it says why.
var errNotThisWay = errors.New("cannot be kept so")

// keep settles for every large file of a snapshot what holds its bytes from now until the command has ended.
func (r *run) keep(ctx context.Context, s *validate.Snapshot) error {
	for _, f := range s.Files {
		if f.Held() == nil {
			continue
		}
		if err := r.keepFile(ctx, f); err != nil {
			return err
		}
	}
	return nil
}

func (r *run) keepFile(ctx context.Context, f *validate.File) error {
	var why []error
	for _, w := range ways[r.policy.ModelFiles] {
		err := w.try(ctx, r, f)
		if errors.Is(err, errNotThisWay) {
			why = append(why, fmt.Errorf("%s: %w", w.by, err))
			continue
		}
		if err != nil {
			return err
		}
		if f.Held() != nil { // a copy took note of itself
			f.Keep(w.by)
		}
		return nil
	}
	return &KeepError{Path: f.Path, Policy: r.policy.Name, Why: why}
}

// KeepError says that a large file can change while it is in use, which the policy does not accept.
type KeepError struct {
	Path, Policy string
	Why          []error // for each way that was tried
}

func (e *KeepError) Error() string {
	return fmt.Sprintf("model file %s can be changed while it is in use, and policy %s demands that it cannot (model_files): %v",
		validate.Printable(e.Path), e.Policy, errors.Join(e.Why...))
}

// verity: statx(2), STATX_ATTR_VERITY. fs-verity cannot be switched on while somebody has the file open for writing, and
// never off again (kernel: Documentation/filesystems/fsverity.rst).
//
// overlayfs passes the attribute on from the file below, and opens a changed copy of it for whoever wants to write.
func verity(_ context.Context, _ *run, f *validate.File) error {
	if err := fileSystem(f, localOnly); err != nil {
		return err
	}
	var st unix.Statx_t
	err := unix.Statx(int(f.Held().Fd()), "", unix.AT_EMPTY_PATH, 0, &st)
	switch {
	case err != nil:
		return fmt.Errorf("statx: %w: %w", err, errNotThisWay)
	case st.Attributes_mask&st.Attributes&unix.STATX_ATTR_VERITY == 0:
		return fmt.Errorf("not enabled for the file: %w", errNotThisWay)
	}
	return nil
}

// Kinds of file system by what statfs(2) calls f_type.
var (
	// neverWritten have no way to write in the kernel's code. What lies below (an image, a disk) is trusted as every
	// disk is.
	neverWritten = map[int64]string{unix.SQUASHFS_MAGIC: "squashfs", erofsMagic: "erofs", unix.ISOFS_SUPER_MAGIC: "iso9660"}
	// localOnly are written through this kernel only, so that a lease sees every writer. Files of a network file
	// system, a virtual machine's host or a FUSE server change behind the kernel's back. overlayfs gives leases, and does
	// not see a mapping that outlived its descriptor: that belongs to the file below.
	localOnly = map[int64]string{unix.EXT4_SUPER_MAGIC: "ext4", unix.XFS_SUPER_MAGIC: "xfs", unix.BTRFS_SUPER_MAGIC: "btrfs",
		unix.TMPFS_MAGIC: "tmpfs", unix.RAMFS_MAGIC: "ramfs", unix.F2FS_SUPER_MAGIC: "f2fs"}
)

const erofsMagic = 0xe0f5e1e2 // include/uapi/linux/magic.h, EROFS_SUPER_MAGIC_V1

func fileSystem(f *validate.File, known map[int64]string) error {
	var st unix.Statfs_t
	if err := unix.Fstatfs(int(f.Held().Fd()), &st); err != nil {
		return fmt.Errorf("statfs: %w: %w", err, errNotThisWay)
	}
	if known[int64(uint32(st.Type))] == "" {
		return fmt.Errorf("the kind of file system (%#x) does not promise it: %w", uint32(st.Type), errNotThisWay)
	}
	return nil
}

func readOnly(_ context.Context, _ *run, f *validate.File) error { return fileSystem(f, neverWritten) }

// identityOnly leaves it at the comparison before the start and at the end. That sees nothing of a writer who is there
// already: of a page that was written to once, a mapping changes the bytes and not the times.
func identityOnly(_ context.Context, r *run, f *validate.File) error {
	if slices.Contains(r.written, f) {
		return &validate.ChangedError{Path: f.Path, What: "somebody has it open for writing"}
	}
	return nil
}
