// Package runner takes models from untrusted bytes to a finished command: it is the main flow.
//
// Run does, in this order:
//
//  1. policy     what is permitted (package policy), lowered by the command line
//  2. discover   what the command needs: interpreter, libraries, script folder, environment; nothing is executed
//  3. pin        the model is opened once: small files are copied, large ones are held open (package validate)
//  4. scan ‖ box the scanners judge the pinned bytes while the box is started; the box waits, confined (package isolate)
//  5. decide     the policy judges the findings; only this step gives the clearance that launch demands
//  6. launch     what is withheld disappears, what is mounted is compared with what was scanned, the command starts
//  7. report     what the kernel showed, what was used, how it ended
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
// # What is left behind
//
// Nothing. Each run has one folder with a random name and a lock that its supervisor holds; the folder goes when
// the run ends. A supervisor that is killed cannot clean up: its pid 1 reads the end of the control socket and
// ends the box, and the next call finds the lock free and removes the folder, the processes and the cgroup.
//
// # Same bytes
//
// Small files (1 MiB and less) are private copies that only the supervisor can write; what is scanned is the copy.
// Large files stay where they are: they are held open, scanned through that descriptor, mounted by path, and
// then compared by device, inode, size, modification and status-change time with the descriptor before the
// command starts. Another writer could still change a large file in place after that moment; such a change is
// noticed when the command has ended, and the report says tainted. A read-only or root-owned model store closes
// the gap.
package runner
