#!/usr/bin/env bash
# Boots Debian's kernel in QEMU with cgroup v2 alone and runs loadlock's cgroup checks there (init and checks.sh say
# which). No KVM, no disk, no network: the machine is bin/loadlock and busybox in an initramfs. Needs Debian's
# qemu-system-x86 linux-image-amd64 busybox-static cpio; KERNEL=… names another kernel.
set -euo pipefail
cd "$(dirname "$0")/../.."
vm=testdata/vm

for tool in qemu-system-x86_64 busybox cpio; do
	command -v "$tool" >/dev/null || {
		echo "loadlock: $tool is missing" >&2
		echo "  fix:  apt-get install --no-install-recommends qemu-system-x86 linux-image-amd64 busybox-static cpio" >&2
		exit 1
	}
done
kernel=${KERNEL:-$(find /boot -name 'vmlinuz-*' | sort -V | tail -n 1)}
[ -r "$kernel" ] || { echo "loadlock: no kernel; name one with KERNEL=" >&2; exit 1; }
[ -n "${LOADLOCK:-}" ] || make -s build
loadlock=${LOADLOCK:-bin/loadlock}

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
root=$work/root
mkdir -p "$root"/{usr/bin,usr/lib,etc,proc,sys,dev,run,tmp,root,home/user,system}
for dir in bin lib; do ln -s "usr/$dir" "$root/$dir"; done
ln -s usr/bin "$root/sbin"
cp "$(command -v busybox)" "$root/usr/bin/busybox"
for applet in $(busybox --list); do
	[ "$applet" = busybox ] || ln -s busybox "$root/usr/bin/$applet"
done
cp "$loadlock" "$root/usr/bin/loadlock"
install -m 755 "$vm/init" "$root/init"
install -m 755 "$vm/checks.sh" "$root/checks.sh"
echo 'root:x:0:0:root:/root:/bin/sh
user:x:1500:1500:user:/home/user:/bin/sh' >"$root/etc/passwd"
echo 'root:x:0:
user:x:1500:' >"$root/etc/group"
echo 'export HOME=/home/user XDG_RUNTIME_DIR=/run/user/1500; exec "$@"' >"$root/as.sh"
(cd "$root" && find . | cpio --quiet -o -H newc -R 0:0 | gzip -1) >"$work/initramfs"

out=$work/console
timeout 240 qemu-system-x86_64 -M q35 -accel tcg,thread=multi -cpu max -m 1024 -smp 2 -nographic -no-reboot -nic none \
	-kernel "$kernel" -initrd "$work/initramfs" -append 'console=ttyS0 panic=-1 quiet lsm=landlock rdinit=/init' \
	</dev/null | tr -d '\r' | tee "$out" | grep --line-buffered -aE '^(PASS|FAIL|INFO|DONE|      )' || true

grep -aq '^DONE$' "$out" || { echo 'FAIL the machine did not come to the end; its last words:'; tail -n 40 "$out"; exit 1; }
if grep -aq '^FAIL' "$out"; then exit 1; fi
grep -aq '^PASS' "$out"
