#!/usr/bin/env bash
# Runs a command on a host that seems to have two GPUs: bash standin.sh COMMAND…, as root. Everything is mounted in a
# namespace of its own and gone when the command ends; the real /dev, /proc and /sys stay as they are. The library is
# standin.c, the nodes are /dev/zero under other names. It proves nothing about a GPU.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
version=1.0.0 # no driver of today
gpus=("0000:17:00.0 5" "0000:3b:00.0 3") # PCI address, device minor: 1:5 is /dev/zero, 1:3 /dev/null

if [ "${1:-}" != inside ]; then
	if [ "$(id -u)" != 0 ]; then
		echo "standin: mounting needs root: sudo bash $0 …" >&2
		exit 2
	fi
	exec unshare --mount --propagation private bash "$0" inside "$@"
fi
shift
PATH=$PATH:/usr/sbin:/sbin
work=$(mktemp -d)
chmod 755 "$work"
mount -t tmpfs -o mode=755 standin "$work"

# A procfs that nothing covers: without one the kernel lets no user namespace mount another (mount_too_revealing).
mkdir "$work/proc"
mount -t proc proc "$work/proc"

# /proc: the driver's name has the number of the memory devices.
sed 's/^  1 mem$/  1 nvidia/; s/^ *\([0-9]*\) \/dev\/tty$/&\n  5 nvidia-uvm/' /proc/devices >"$work/devices"
grep -q '^ *1 nvidia$' "$work/devices" && grep -q nvidia-uvm "$work/devices"
mount --bind "$work/devices" /proc/devices
mount -t tmpfs -o mode=755 standin /proc/driver
mkdir -p /proc/driver/nvidia/gpus
echo "NVRM version: NVIDIA UNIX x86_64 Kernel Module  $version  STAND-IN" >/proc/driver/nvidia/version
printf 'ModifyDeviceFiles: 1\nDeviceFileMode: 438\n' >/proc/driver/nvidia/params

# /sys: only what names the driver and the devices.
mount -t tmpfs -o mode=755 standin /sys/module
for module in nvidia nvidia_uvm; do
	mkdir "/sys/module/$module"
	echo live >"/sys/module/$module/initstate"
	echo $version >"/sys/module/$module/version"
done

# /dev: a folder of its own with the nodes beside what there was.
mkdir "$work/dev"
mount -t tmpfs -o mode=755,dev standin "$work/dev"
for node in /dev/*; do
	name=$(basename "$node")
	if [ -L "$node" ]; then
		cp -P "$node" "$work/dev/$name"
	elif [ -d "$node" ]; then
		mkdir "$work/dev/$name"
		mount --rbind "$node" "$work/dev/$name"
	elif [ -c "$node" ]; then
		touch "$work/dev/$name"
		mount --bind "$node" "$work/dev/$name"
	fi
done
mknod -m 666 "$work/dev/nvidiactl" c 1 255
mknod -m 666 "$work/dev/nvidia-uvm" c 5 0
mknod -m 666 "$work/dev/nvidia-uvm-tools" c 5 1
mknod -m 666 "$work/dev/nvidia-modeset" c 1 254
number=0
for gpu in "${gpus[@]}"; do
	read -r address minor <<<"$gpu"
	mknod -m 666 "$work/dev/nvidia$minor" c 1 "$minor"
	mkdir "/proc/driver/nvidia/gpus/$address"
	printf 'Model: \t\t STAND-IN\nGPU UUID: \t GPU-00000000-0000-4000-8000-%012d\nBus Location: \t %s\nDevice Minor: \t %d\n' "$number" "$address" "$minor" >"/proc/driver/nvidia/gpus/$address/information"
	number=$((number + 1))
done
mount --rbind "$work/dev" /dev

# The library, where the loader finds it: on top of /usr, which stays one mount.
mkdir -p "$work/upper/local/lib" "$work/upper/bin" "$work/overlay"
"${CC:-gcc}" -O2 -shared -fPIC -Wl,-soname,libcuda.so.1 -o "$work/upper/local/lib/libcuda.so.$version" "$here/standin.c"
ln -s "libcuda.so.$version" "$work/upper/local/lib/libcuda.so.1"
cat >"$work/upper/bin/nvidia-smi" <<'END'
#!/bin/bash
# A stand-in: the processes that have the stand-in's library, and how much of the machine's memory they use.
case $1 in
-L) number=0
	for f in /proc/driver/nvidia/gpus/*/information; do
		echo "GPU $number: STAND-IN (UUID: $(sed -n 's/^GPU UUID:[[:space:]]*//p' "$f"))"
		number=$((number + 1))
	done ;;
--query-compute-apps=*)
	for p in /proc/[0-9]*; do
		grep -q libcuda.so "$p/maps" 2>/dev/null || continue
		kib=$(sed -n 's/^Rss: *\([0-9]*\) kB$/\1/p' "$p/smaps_rollup" 2>/dev/null) || continue
		[ -z "$kib" ] || echo "${p#/proc/}, GPU-00000000-0000-4000-8000-000000000000, $((kib / 1024))"
	done ;;
*) echo "the stand-in's nvidia-smi cannot do $*"; exit 2 ;;
esac
exit 0
END
chmod -R 755 "$work/upper"
mount -t overlay -o "lowerdir=/usr,upperdir=$work/upper,workdir=$work/overlay" standin /usr
ldconfig -C "$work/ld.so.cache"
mount --bind "$work/ld.so.cache" /etc/ld.so.cache

export LOADLOCK_STANDIN=1 # selftest.py then says in every line that it is none
status=0
"$@" || status=$?
exit $status
