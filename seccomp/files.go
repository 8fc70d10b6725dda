package seccomp

// files is ordinary file work. Which files is not decided here but by mounts and Landlock, which see
// paths; a filter sees only the address of one.
var files = block{
	name: "files",
	why:  "reading and writing what the box's mounts and Landlock let through",
	calls: []call{
		{names: "openat", reason: "opening; creating with set-user-id or set-group-id bits is refused, see suidBits",
			rules: []rule{allow(without(2, createFlags)), allow(without(3, suidBits))}},
		{names: "open", only: "amd64", reason: "as openat, older form",
			rules: []rule{allow(without(1, createFlags)), allow(without(2, suidBits))}},
		{names: "creat", only: "amd64", reason: "gzip, shells' redirections",
			rules: []rule{allow(without(1, suidBits))}},
		{names: "read readv pread64 preadv preadv2 write writev pwrite64 pwritev pwritev2 lseek", reason: "reading and writing open files"},
		{names: "close close_range dup dup3 fcntl flock", reason: "handling descriptors and locks"},
		{names: "dup2", only: "amd64", reason: "shells"},
		{names: "pipe2", reason: "pipelines, worker wake-ups"},
		{names: "pipe", only: "amd64", reason: "as pipe2, older form"},
		{names: "fstat newfstatat statx statfs fstatfs faccessat faccessat2 readlinkat getdents64", reason: "looking at files and folders"},
		{names: "stat lstat access readlink getdents", only: "amd64", reason: "as above, older forms"},
		{names: "getxattr lgetxattr fgetxattr listxattr llistxattr flistxattr", reason: "reading only; shutil.copy2 raises when the list is refused, ls -l asks"},
		{names: "getcwd chdir fchdir umask", reason: "own working folder and mask"},
		{names: "mkdirat unlinkat renameat renameat2 linkat symlinkat utimensat", reason: "tempfile, shutil, multiprocessing locks (link then unlink)"},
		{names: "mkdir rmdir unlink rename link symlink utime utimes futimesat", only: "amd64", reason: "as above, older forms"},
		{names: "fchmod", reason: "modes without set-id bits", rules: []rule{allow(without(1, suidBits))}},
		{names: "fchmodat", reason: "modes without set-id bits", rules: []rule{allow(without(2, suidBits))}},
		{names: "chmod", only: "amd64", reason: "modes without set-id bits", rules: []rule{allow(without(1, suidBits))}},
		{names: "fchown fchownat", reason: "sed -i, tar and cp -a set the owner a file already has; anything else needs a capability nobody has"},
		{names: "chown lchown", only: "amd64", reason: "as above, older forms"},
		{names: "fsync fdatasync fallocate ftruncate truncate", reason: "saving; sync and syncfs stall the whole host and stay out"},
		{names: "copy_file_range", reason: "cp, tar; sendfile, splice, tee and vmsplice stay out (CVE-2022-0847), their callers fall back to read and write"},
		{names: "fadvise64 readahead", reason: "read-ahead hints: wc, sort, cp"},
	},
}

// suidBits are S_ISUID and S_ISGID. A program left behind in an output folder with one of them set would
// lend its owner's identity to whoever starts it on the host. (mkdir drops the bits by itself; openat2,
// open_by_handle_at and fchmodat2 are not allowed.)
const suidBits = 0o6000

// createFlags are O_CREAT and __O_TMPFILE. Without them the kernel ignores the mode, and the register
// that would hold it holds anything.
const createFlags = 0o100 | 0o20000000
