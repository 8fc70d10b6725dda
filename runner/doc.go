// Package runner takes models from untrusted bytes to a finished command: it is the main flow.
//
// Run does, in this order:
//
//  1. policy     what is permitted (package policy), lowered by the command line
//  2. discover   what the command needs: interpreter, libraries, script folder, environment; nothing is executed
//  3. gpu        what --gpu or gpu.mode asks for is found on this host, held against the policy, and planned
//  4. pin        the model is opened once: small files are copied, large ones are held open (package validate)
//  5. scan ‖ box the scanners judge the pinned bytes while the box is started; the box waits, confined (package isolate)
//  6. decide     the policy judges the findings; only this step gives the clearance that launch demands
//  7. launch     what is withheld disappears, what is mounted is compared with what was scanned, the command starts
//  8. report     what the kernel showed, what was used, how it ended
//
// # Outcomes
//
//	outcome          status            ran?
//	exited           the command's     yes
//	signaled         128+n             yes
//	oom              137               yes
//	timeout          124               yes
//	denied           123               yes (--fail-on-denial)
//	rejected         121               no
//	inconclusive     122               no
//	failed           125               no
//	not-executable   126               no
//	not-found        127               no
//	interrupted      128+n             no
//	planned          0                 no (--dry-run)
//
// # Why it failed
//
// When a command has failed, what it lacked goes into the report (Obstacles): limits that the kernel says were met, and
// what the end of its stderr says was missing, compared with the host and with the plan; names only. Package advise
// turns obstacles and refused calls into which layer, which line permits it, and what that costs. Nothing is permitted
// by it. Learn runs the command once more with its paths watched and proposes a policy as a difference.
//
// # GPUs
//
// A run that asks for no GPU looks for none. Whether one may be used, and which, is the policy's (restricted_operations,
// gpu.devices); what is asked for is --gpu, or gpu.mode for one GPU: the first that is permitted, of the vendor that a
// bare index is of. Everything is settled before anything starts, and each step can refuse the run: permission, discovery
// (isolate/gpu), the names of CDI (isolate/gpu/cdi), gpu.devices by what the names turned out to mean, gpu.min_driver,
// the plan. gpu.mode: optional puts up with a GPU that is absent or cannot be used, and with nothing else: what a policy
// does not permit stays a refusal when the command line asked for it. The plan's variables are stronger than --env.
//
// Specs of CDI that the caller brings (--cdi-dir) say what the names of --gpu mean. What a name in gpu.devices means, only
// the system's say.
//
// The cell that scans has no GPU, whatever the run is granted: it opens no file and commands no device.
//
// # Denials
//
// The box counts the system calls that it refuses (package isolate); they are in the report by call and argument. The
// number that people see, --fail-on-denial and the line about a stall leave out the usual ones, which ordinary programs
// try and go on without. A stall is: a denial, and then, for five seconds, less than one hundredth of a processor and no
// output that passes here. It is told once, through Job.Notice, while the command still runs: a refused call often makes
// a program wait for ever without a word.
//
// # What is left behind
//
// Nothing. Each run has one folder with a random name and a lock that its supervisor holds; the folder goes when
// the run ends. A supervisor that is killed cannot clean up: its pid 1 reads the end of the control socket and
// ends the box, and the next call finds the lock free and removes the folder, the processes and the cgroup.
//
// # Same bytes
//
// Small files (1 MiB and less) are private copies that only the supervisor can write; what is scanned is the copy.
// Large files stay where they are: they are held open, scanned through that descriptor, and mounted by path. Before the
// command starts, what lies inside under each name is compared with what is held, so that it does not matter what was
// done to names, links and mounts on the host meanwhile. What keeps the bytes of the held file from changing is chosen
// for each file (model_files, held_by in the report), the best first:
//
//	fs-verity              nobody can ever write to the file; the kernel checks what it reads
//	read-only file system  squashfs, erofs and iso9660 have no way to write
//	lease                  nobody has it open or mapped for writing when it is pinned, and who opens it later waits for us
//	reflink                a clone that shares its blocks (btrfs, XFS), in the folder of caches
//	copy                   a full copy there; only on request (model_files: copied, --copy-model)
//	identity check         device, inode, size, modification and status-change time, before the start and at the end
//
// A lease comes before a reflink because it costs nothing and uses the page cache that is warm; of a clone every run
// reads every block again. A file that somebody has open for writing and that cannot be cloned is refused. A writer who
// comes while the command runs is told of at once, and the report says tainted; under model_files: unchangeable the
// command is ended before the writer can write. That holds while it ends within /proc/sys/fs/lease-break-time (45 s,
// and we wait 5), after which the kernel lets the writer go on.
//
// What the identity check does not notice: a write through a shared mapping to a page that was dirty already (the kernel
// changes a file's times at the first such write only, and the change counter of statx(2) is not for programs); changes
// by the server of a network, FUSE or virtual file system, which reports what times it likes; a
// second change within the step of a file system that notes coarse times (FAT: 2 s). It is all there is for files of
// other users, on overlayfs and on network file systems. model_files: unchangeable refuses it.
//
// What lies below a file system, a disk or an image, is trusted.
//
// # The script
//
// The script is a private copy as well, bound over its own name, and its digest is in the report (code); in a folder that
// the command may write to it stays where it is, and is compared. What lies beside it is visible as it is on the host at
// any moment, read-only. Folders of bytecode there (__pycache__) are hidden, because Python believes them more than the
// source; what takes the place of an installed module is named. A model below that folder is mounted into it: who may
// rename things there can lead the model's name elsewhere while the command runs. That is noticed at the end when the
// name, a link or the model's folder is another one or was moved, and not when a folder in between was moved and moved
// back. Whoever may do that may as well change the code beside the script.
package runner
