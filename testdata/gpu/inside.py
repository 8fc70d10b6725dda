"""What selftest.py runs inside the sandbox, and for comparison outside: python3 inside.py WHAT [ARGUMENT…]. Prints one
JSON object in its last line.

    compute            cuInit, a context, memory, a kernel, and back
    spin               a kernel that never ends; says {"spinning": true} first
    hog MIB            allocates and fills the GPU's memory up to MIB, and says how far it came
    copies MIB         GiB/s to the GPU and back
    torch              is_available, and a product of matrices compared with the processor's
    flops              TFLOP/s of PyTorch's product of matrices
    load FILE          torch.load onto the GPU
    triton             a kernel of Triton's
    open PATH…         the errno of open(2), by path
    ioctl PATH WORD…   the errno of ioctl(2) with no argument, by word
    facts              what of the host, the GPU and the user can be seen
"""

import ctypes
import errno
import fcntl
import json
import os
import sys
import time

MIB = 1 << 20
FILL = """
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
"""
SPIN = """
    ld.param.u64 %rd1, [out];
    cvta.to.global.u64 %rd2, %rd1;
$again:
    ld.volatile.global.u32 %r1, [%rd2];
    setp.ne.u32 %p1, %r1, 4294967295;
    @%p1 bra $again;
    ret;
"""
MODULE = """.version {version}
.target {target}
.address_size 64
.visible .entry {name}(.param .u64 out, .param .u32 count)
{{
    .reg .pred %p<2>;
    .reg .b32 %r<6>;
    .reg .b64 %rd<5>;
{body}
}}
"""
TARGETS = [("6.0", "sm_52"), ("6.3", "sm_75"), ("7.8", "sm_90")]  # the oldest that the driver still compiles


class CUDA:
    """The driver's own interface, without any toolkit. An error ends the program with its name and number."""

    def __init__(self):
        try:
            self.library = ctypes.CDLL("libcuda.so.1")
        except OSError as e:
            end(call="load libcuda.so.1", code=-1, text=str(e))
        self.call("cuInit", 0)
        device, context = ctypes.c_int(), ctypes.c_void_p()
        self.call("cuDeviceGet", ctypes.byref(device), 0)
        name = ctypes.create_string_buffer(128)
        self.call("cuDeviceGetName", name, 128, device)
        self.name = name.value.decode(errors="replace")
        self.call("cuDevicePrimaryCtxRetain", ctypes.byref(context), device)
        self.call("cuCtxSetCurrent", context)

    def code(self, name, *args):
        return getattr(self.library, name)(*args)

    def call(self, name, *args):
        code = self.code(name, *args)
        if code:
            end(call=name, code=code)

    def memory(self, size):
        pointer = ctypes.c_uint64()
        self.call("cuMemAlloc_v2", ctypes.byref(pointer), ctypes.c_size_t(size))
        return pointer

    def launch(self, name, body, memory, count):
        module, function, number = ctypes.c_void_p(), ctypes.c_void_p(), ctypes.c_uint32(count)
        codes = []
        for version, target in TARGETS:
            text = MODULE.format(version=version, target=target, name=name, body=body)
            codes.append(self.code("cuModuleLoadData", ctypes.byref(module), text.encode() + b"\0"))
            if codes[-1] == 0:
                break
        else:
            end(call="cuModuleLoadData", code=codes[0], codes=codes)
        self.call("cuModuleGetFunction", ctypes.byref(function), module, name.encode())
        arguments = (ctypes.c_void_p * 2)(ctypes.addressof(memory), ctypes.addressof(number))
        self.call("cuLaunchKernel", function, max(1, count // 256), 1, 1, min(count, 256), 1, 1, 0, None, arguments, None)


def say(**line):
    print(json.dumps(line), flush=True)


def end(**line):
    say(ok=False, **line)
    sys.exit(1)


def name_of(number):
    return errno.errorcode.get(number, str(number)) if number else "ok"


def compute():
    cuda, count = CUDA(), 1024
    memory = cuda.memory(4 * count)
    cuda.call("cuMemsetD32_v2", memory, 0, ctypes.c_size_t(count))
    cuda.launch("fill", FILL, memory, count)
    cuda.call("cuCtxSynchronize")
    host = (ctypes.c_uint32 * count)()
    cuda.call("cuMemcpyDtoH_v2", host, memory, ctypes.c_size_t(4 * count))
    say(ok=list(host) == list(range(count)), gpu=cuda.name)


def spin():
    cuda = CUDA()
    memory = cuda.memory(4)
    cuda.call("cuMemsetD32_v2", memory, 0, ctypes.c_size_t(1))
    cuda.launch("spin", SPIN, memory, 1)
    say(spinning=True)
    cuda.call("cuCtxSynchronize")


def hog(mib):
    cuda, have, step = CUDA(), 0, 64
    while have < int(mib):
        pointer = ctypes.c_uint64()
        code = cuda.code("cuMemAlloc_v2", ctypes.byref(pointer), ctypes.c_size_t(step * MIB))
        if code:
            end(mib=have, code=code)
        cuda.call("cuMemsetD32_v2", pointer, 1, ctypes.c_size_t(step * MIB // 4))
        cuda.call("cuCtxSynchronize")
        have += step
        say(mib=have, at=time.time())
    time.sleep(10)  # the watcher has this long
    say(ok=True, mib=have)


def copies(mib):
    cuda, size, turns = CUDA(), int(mib) * MIB, 8
    memory, host = cuda.memory(size), ctypes.create_string_buffer(b"\1", size)
    rates = {}
    for name, copy in (
        ("to", lambda: cuda.call("cuMemcpyHtoD_v2", memory, host, ctypes.c_size_t(size))),
        ("back", lambda: cuda.call("cuMemcpyDtoH_v2", host, memory, ctypes.c_size_t(size))),
    ):
        copy()
        began = time.perf_counter()
        for _ in range(turns):
            copy()
        cuda.call("cuCtxSynchronize")
        rates[name] = round(turns * size / (time.perf_counter() - began) / (1 << 30), 3)
    say(ok=True, gib_per_s=rates)


def with_torch():
    import torch

    if not torch.cuda.is_available():
        end(available=False, torch=torch.__version__, cuda=torch.version.cuda)
    return torch


def product():
    torch = with_torch()
    torch.manual_seed(7)
    a, b = torch.randn(512, 512), torch.randn(512, 512)
    worst = (a @ b - (a.cuda() @ b.cuda()).cpu()).abs().max().item()
    say(ok=worst < 0.5, available=True, worst=worst, gpu=torch.cuda.get_device_name(0), visible=torch.cuda.device_count(), torch=torch.__version__, cuda=torch.version.cuda)


def flops():
    torch = with_torch()
    n, turns = 4096, 20
    a = torch.randn(n, n, device="cuda", dtype=torch.float16)
    for _ in range(3):
        a @ a
    torch.cuda.synchronize()
    began = time.perf_counter()
    for _ in range(turns):
        a @ a
    torch.cuda.synchronize()
    say(ok=True, tflop_per_s=round(turns * 2 * n**3 / (time.perf_counter() - began) / 1e12, 3))


def load(path):
    torch = with_torch()
    state = torch.load(path, map_location="cuda")
    say(ok=all(t.is_cuda for t in state.values()), total=sum(t.sum().item() for t in state.values()))


def run_triton():
    with_torch()
    try:
        import triton  # noqa: F401
    except ImportError as e:
        end(absent=str(e))
    import torch

    if not hasattr(torch, "compile"):
        end(absent="this torch has no torch.compile")
    double = torch.compile(lambda x: torch.sin(x) * 2)
    x = torch.arange(1000, device="cuda", dtype=torch.float32)
    say(ok=torch.allclose(double(x), torch.sin(x) * 2), triton=triton.__version__)


def open_all(*paths):
    seen = {}
    for path in paths:
        try:
            os.close(os.open(path, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC))
            seen[path] = "ok"
        except OSError as e:
            seen[path] = name_of(e.errno)
    say(ok=True, seen=seen)


def ioctl(path, *words):
    """Where the node cannot be opened, another descriptor does: the filter looks at the command, not at the file."""
    try:
        fd, on = os.open(path, os.O_RDWR | os.O_CLOEXEC), path
    except OSError:
        fd, on = os.open("/dev/null", os.O_RDWR | os.O_CLOEXEC), "/dev/null"
    libc, seen = ctypes.CDLL(None, use_errno=True), {}
    for word in words:
        ctypes.set_errno(0)
        failed = libc.ioctl(fd, ctypes.c_ulong(int(word, 16)), None) < 0
        seen[word] = name_of(ctypes.get_errno()) if failed else "ok"
    say(ok=True, on=on, seen=seen)


def read(path):
    try:
        with open(path) as f:
            return f.read()
    except OSError as e:
        return name_of(e.errno)


def names(path):
    try:
        return sorted(os.listdir(path))
    except OSError as e:
        return name_of(e.errno)


def facts():
    libraries = {line.split()[-1] for line in read("/proc/self/maps").splitlines() if "libcuda" in line}
    try:
        ctypes.CDLL("libcuda.so.1")
        libraries = {line.split()[-1] for line in read("/proc/self/maps").splitlines() if "libcuda" in line}
    except OSError:
        pass
    written = {}
    for path in libraries:
        for target in (path, os.path.join(os.path.dirname(path), "planted.so")):
            try:
                os.close(os.open(target, os.O_WRONLY | os.O_CREAT))
                written[target] = "ok"
            except OSError as e:
                written[target] = name_of(e.errno)
    try:
        os.mknod("/tmp/node", 0o20600, os.makedev(195, 0))
        made = "ok"
    except OSError as e:
        made = name_of(e.errno)
    say(
        ok=True,
        uid=os.getuid(),
        uid_map=read("/proc/self/uid_map").split(),
        groups=os.getgroups(),
        nodes=[n for n in names("/dev") if n.startswith(("nvidia", "kfd", "dri", "dxg"))],
        params=read("/proc/driver/nvidia/params"),
        gpus=names("/proc/driver/nvidia/gpus"),
        proc_driver=names("/proc/driver"),
        modules=names("/sys/module"),
        written=written,
        mknod=made,
        env={k: v for k, v in os.environ.items() if k.startswith(("CUDA", "NVIDIA", "ROCR", "HIP", "ZE_"))},
    )


if __name__ == "__main__":
    what, arguments = sys.argv[1], sys.argv[2:]
    {"compute": compute, "spin": spin, "hog": hog, "copies": copies, "torch": product, "flops": flops, "load": load, "triton": run_triton,
     "open": open_all, "ioctl": ioctl, "facts": facts}[what](*arguments)
