#!/usr/bin/env bash
# Boots Debian's kernel in QEMU with cgroup v2 alone and runs the privileged tests there: run.sh LANE…
#
#   checks   what the kernel's cgroup files show of a run; hosts that are set up oddly (checks.sh)
#   systemd  under systemd: services, scopes, the user's manager (systemd.sh)
#   bare     a kernel that was told to leave out Landlock and the memory controller (bare.sh)
#   suite    selftest and the Go tests, as root and as an ordinary user, with a group of its own and without (suite.sh)
#
# No KVM (ACCEL=kvm CPU=host where there is some), no disk, no network: the machine is an initramfs with a root file
# system of Debian's packages, which is kept in the cache for the next time. Needs what .ci/deps vm installs; KERNEL=…
# names another kernel, LOADLOCK=… another binary.
set -euo pipefail
cd "$(dirname "$0")/../.."
vm=testdata/vm

for tool in qemu-system-x86_64 busybox cpio mmdebstrap; do
	command -v "$tool" >/dev/null || {
		echo "loadlock: $tool is missing" >&2
		echo "  fix:  .ci/deps vm" >&2
		exit 1
	}
done
kernel=${KERNEL:-$(find /boot -name 'vmlinuz-*' | sort -V | tail -n 1)}
[ -r "$kernel" ] || { echo "loadlock: no kernel; name one with KERNEL=" >&2; exit 1; }
[ -n "${LOADLOCK:-}" ] || make -s build
loadlock=${LOADLOCK:-bin/loadlock}

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# The root file system: this host's release and archive.
packages=systemd-sysv,dbus-user-session,libpam-systemd,python3,procps
release=$(. /etc/os-release && echo "$VERSION_CODENAME")
cache=${XDG_CACHE_HOME:-$HOME/.cache}/loadlock
tar=$cache/vm-$release-$(echo "$packages" | cksum | cut -d' ' -f1).tar
if [ ! -e "$tar" ]; then
	mkdir -p "$cache"
	apt-get indextargets --format 'deb $(REPO_URI) $(RELEASE) $(COMPONENT)' 'Created-By: Packages' | grep " $release" | sort -u >"$work/sources.list"
	mmdebstrap --quiet --variant=minbase --include="$packages" --dpkgopt=force-unsafe-io --dpkgopt='path-exclude=/usr/share/doc/*' \
		--dpkgopt='path-exclude=/usr/share/man/*' --dpkgopt='path-exclude=/usr/share/locale/*' "$release" "$work/root.tar" "$work/sources.list"
	mv "$work/root.tar" "$tar"
fi

root=$work/root
mkdir -p "$root"/{bin,proc,system,loadlock-vm/tree/cmd}
cp "$(command -v busybox)" "$root/bin/busybox"
for applet in sh mount umount mkdir tar rm cp mv chroot switch_root; do ln -s busybox "$root/bin/$applet"; done
install -m 755 "$vm/init" "$root/init"
cp "$vm"/* "$root/loadlock-vm/"
cp "$loadlock" "$root/loadlock-vm/loadlock"
cp -r cmd runner isolate seccomp testdata "$root/loadlock-vm/tree/"
for package in isolate seccomp runner cmd/loadlock; do
	CGO_ENABLED=1 .ci/go test -c -tags seccomp,osusergo,netgo -ldflags '-s -w' -o "$root/loadlock-vm/${package//\//-}.test" "./$package"
done
ln "$tar" "$root/root.tar" 2>/dev/null || cp "$tar" "$root/root.tar"
(cd "$root" && find . | cpio --quiet -o -H newc -R 0:0) >"$work/initramfs"
rm -rf "$root"

# boot LANE: prints the lane's lines, and fails unless it came to its end without a FAIL.
boot() {
	local out=$work/console started=$SECONDS
	echo "--- $1"
	local kernel_says=lsm=landlock
	[ "$1" != bare ] || kernel_says='lsm=yama cgroup_disable=memory'
	timeout 1500 qemu-system-x86_64 -M q35 -accel "${ACCEL:-tcg,thread=multi}" -cpu "${CPU:-max}" -m 3072 -smp 2 -nographic -no-reboot -nic none \
		-kernel "$kernel" -initrd "$work/initramfs" -append "console=ttyS0 panic=-1 quiet mitigations=off $kernel_says rdinit=/init lane=$1" \
		</dev/null | sed -u 's|\r||g' | tee "$out" | grep --line-buffered -aE '^(PASS|FAIL|SKIP|INFO|DONE|      )' || true
	grep -aq '^DONE$' "$out" || { echo 'FAIL the machine did not come to the end; its last words:'; tail -n 40 "$out"; return 1; }
	echo "--- $1: $((SECONDS - started)) s, $(grep -ac '^PASS' "$out") passed, $(grep -ac '^FAIL' "$out") failed, $(grep -ac '^SKIP' "$out") lines about what was skipped"
	! grep -aq '^FAIL' "$out" && grep -aq '^PASS' "$out"
}
failed=0
for lane in "${@:-checks}"; do boot "$lane" || failed=1; done
exit $failed
