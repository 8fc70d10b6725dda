"""Asks a GPU's own library, inside the sandbox, whether the GPU computes. Prints one JSON object a line: what is about
to be called ("begin"), what it answered ("call" with "code"), what was looked at before ("look" with "errno"), and
"done" when everything worked. nvidia-smi is no such proof: NVML worked where cuInit failed (NVIDIA/NemoClaw issue 4016).

    python3 gpu_probe.py nvidia|amd|wsl        what doctor --gpu --probe runs
    python3 gpu_probe.py nvidia hold           takes all of the GPU's memory and keeps it
    python3 gpu_probe.py nvidia remains MARK   looks for MARK in memory that nobody cleared, and leaves it there
"""

import ctypes
import importlib.util
import json
import os
import sys
import threading
import time

COUNT = 1024
KERNEL = """.version {version}
.target {target}
.address_size 64
.visible .entry fill(.param .u64 out, .param .u32 count)
{{
    .reg .pred %p<2>;
    .reg .b32 %r<6>;
    .reg .b64 %rd<5>;
    ld.param.u64 %rd1, [out];
    ld.param.u32 %r5, [count];
    mov.u32 %r1, %ctaid.x;
    mov.u32 %r2, %ntid.x;
    mov.u32 %r3, %tid.x;
    mad.lo.s32 %r4, %r1, %r2, %r3;
    setp.ge.u32 %p1, %r4, %r5;
    @%p1 bra $done;
    cvta.to.global.u64 %rd2, %rd1;
    mul.wide.u32 %rd3, %r4, 4;
    add.s64 %rd4, %rd2, %rd3;
    st.global.u32 [%rd4], %r4;
$done:
    ret;
}}
"""
TARGETS = [("6.0", "sm_52"), ("6.3", "sm_75"), ("7.8", "sm_90")]


class Failed(Exception):
    """One call failed; it was printed."""


def say(**line):
    print(json.dumps(line), flush=True)


def look(name, act):
    try:
        act()
        say(look=name, errno=0)
    except OSError as e:
        say(look=name, errno=e.errno)


def write(name, data):
    fd = os.open(name, os.O_WRONLY)
    try:
        os.write(fd, data)
    finally:
        os.close(fd)


def surroundings(nodes):
    """What the drivers' libraries do first, and what was refused to them in other sandboxes."""
    comm = f"/proc/self/task/{threading.get_native_id()}/comm"
    look("write /proc/self/task/TID/comm", lambda: write(comm, b"probe"))
    look("memfd_create", lambda: os.close(os.memfd_create("probe")))
    look("list /sys/devices/system/cpu", lambda: os.listdir("/sys/devices/system/cpu"))
    for node in nodes:
        if os.path.exists(node):
            look("open " + node, lambda: os.close(os.open(node, os.O_RDWR | os.O_CLOEXEC)))


def load(names):
    for name in names:
        say(begin="load " + name)
        try:
            library = ctypes.CDLL(name)
            say(call="load " + name, code=0)
            return library
        except OSError as e:
            say(call="load " + name, code=-1, text=str(e)[:200])
    raise Failed


def call(library, name, *args):
    say(begin=name)
    try:
        code = getattr(library, name)(*args)
    except AttributeError as e:
        say(call=name, code=-1, text=str(e)[:200])
        raise Failed from None
    say(call=name, code=code)
    if code != 0:
        raise Failed


def wrong(what):
    say(call=what, code=-2, text="the memory does not hold what was written")
    raise Failed


def context():
    cu = load(["libcuda.so.1"])
    count, device, version = ctypes.c_int(), ctypes.c_int(), ctypes.c_int()
    current, name = ctypes.c_void_p(), ctypes.create_string_buffer(128)
    call(cu, "cuInit", 0)
    call(cu, "cuDriverGetVersion", ctypes.byref(version))
    call(cu, "cuDeviceGetCount", ctypes.byref(count))
    call(cu, "cuDeviceGet", ctypes.byref(device), 0)
    call(cu, "cuDeviceGetName", name, 128, device)
    say(about=f"{name.value.decode(errors='replace')}, CUDA {version.value // 1000}.{version.value % 1000 // 10}, {count.value} visible")
    call(cu, "cuDevicePrimaryCtxRetain", ctypes.byref(current), device)
    call(cu, "cuCtxSetCurrent", current)
    return cu


def cuda():
    cu, memory = context(), ctypes.c_uint64()
    call(cu, "cuMemAlloc_v2", ctypes.byref(memory), ctypes.c_size_t(4 * COUNT))
    call(cu, "cuMemsetD32_v2", memory, 0, ctypes.c_size_t(COUNT))
    launch(cu, memory)
    call(cu, "cuCtxSynchronize")
    host = (ctypes.c_uint32 * COUNT)()
    call(cu, "cuMemcpyDtoH_v2", host, memory, ctypes.c_size_t(4 * COUNT))
    if list(host) != list(range(COUNT)):
        wrong("compare")
    call(cu, "cuMemFree_v2", memory)


def hold():
    cu, size, have = context(), 1 << 30, 0
    while size >= 1 << 20:
        if cu.cuMemAlloc_v2(ctypes.byref(ctypes.c_uint64()), ctypes.c_size_t(size)) == 0:
            have += size
        else:
            size //= 2
    say(holds=have)
    time.sleep(3600)


def remains(mark):
    cu, size = context(), 64 << 20
    memory, host = ctypes.c_uint64(), ctypes.create_string_buffer(64 << 20)
    call(cu, "cuMemAlloc_v2", ctypes.byref(memory), ctypes.c_size_t(size))
    call(cu, "cuMemcpyDtoH_v2", host, memory, ctypes.c_size_t(size))
    found = host.raw.count(mark.encode())
    host.raw = (mark.encode() * (size // len(mark) + 1))[:size]
    call(cu, "cuMemcpyHtoD_v2", memory, host, ctypes.c_size_t(size))
    call(cu, "cuCtxSynchronize")
    say(remains=found)


def launch(cu, memory):
    """A kernel that the driver compiles itself, for the oldest architecture that it still knows."""
    module, function, size = ctypes.c_void_p(), ctypes.c_void_p(), ctypes.c_uint32(COUNT)
    for i, (version, target) in enumerate(TARGETS):
        try:
            call(cu, "cuModuleLoadData", ctypes.byref(module), KERNEL.format(version=version, target=target).encode() + b"\0")
            break
        except Failed:
            if i + 1 == len(TARGETS):
                raise
            say(retry="cuModuleLoadData")
    call(cu, "cuModuleGetFunction", ctypes.byref(function), module, b"fill")
    args = (ctypes.c_void_p * 2)(ctypes.addressof(memory), ctypes.addressof(size))
    call(cu, "cuLaunchKernel", function, COUNT // 256, 1, 1, 256, 1, 1, 0, None, args, None)


def wheels():
    """Where PyTorch's own wheels keep ROCm's libraries."""
    torch = importlib.util.find_spec("torch")
    return [os.path.join(d, "lib", "libamdhip64.so") for d in torch.submodule_search_locations] if torch else []


def hip():
    lib = load(["libamdhip64.so.7", "libamdhip64.so.6", "libamdhip64.so.5", "libamdhip64.so"] + wheels())
    count, memory = ctypes.c_int(), ctypes.c_void_p()
    call(lib, "hipInit", 0)
    call(lib, "hipGetDeviceCount", ctypes.byref(count))
    call(lib, "hipSetDevice", 0)
    say(about=f"HIP, {count.value} visible")
    call(lib, "hipMalloc", ctypes.byref(memory), ctypes.c_size_t(COUNT))
    call(lib, "hipMemset", memory, 7, ctypes.c_size_t(COUNT))
    host = (ctypes.c_uint8 * COUNT)()
    call(lib, "hipMemcpy", host, memory, ctypes.c_size_t(COUNT), 2)
    if set(host) != {7}:
        wrong("compare")
    call(lib, "hipFree", memory)


def main(vendor, mode="", *arguments):
    if mode:
        try:
            {"hold": hold, "remains": remains}[mode](*arguments)
        except Failed:
            return 1
        return 0
    nodes = sorted("/dev/" + n for n in os.listdir("/dev") if n.startswith("nvidia") and n != "nvidia-caps") + ["/dev/kfd", "/dev/dxg"]
    surroundings(nodes)
    try:
        {"nvidia": cuda, "wsl": cuda, "amd": hip}[vendor]()
    except Failed:
        return 1
    say(done=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
