"""Times commands under several sandboxes, interleaved, so that a change of the machine hits all of them alike.

    python3 bench.py LOADLOCK WORK N
"""

import json
import os
import pathlib
import platform
import shutil
import statistics
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
FIRST_ID = 100000  # of the OCI bundles' user namespace
PYTHON = "/usr/bin/python3"


def run(argv):
    begin = time.perf_counter()
    done = subprocess.run(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    return time.perf_counter() - begin, done


def bwrap(command, model, loader):
    shown = ["--ro-bind", "/usr", "/usr"]
    for p in ("/bin", "/lib", "/lib64", "/sbin"):
        if os.path.islink(p):
            shown += ["--symlink", os.readlink(p), p]
    for p in ("/etc/ld.so.cache", "/etc/alternatives", "/etc/python3.11"):
        shown += ["--ro-bind-try", p, p]
    for p in (loader.parent, model):
        shown += ["--ro-bind", str(p), str(p)]
    return ["bwrap", "--unshare-all", "--die-with-parent", "--new-session", "--clearenv", "--cap-drop", "ALL",
            "--setenv", "OMP_NUM_THREADS", "1", "--setenv", "OPENBLAS_NUM_THREADS", "1",
            "--proc", "/proc", "--dev", "/dev", "--tmpfs", "/tmp", *shown, "--", *command]


def bundle(work, name, command, model, loader, seccomp):
    """A bundle of `runc spec` with what one turns on for untrusted code: no capabilities, a user namespace,
    limits, read-only binds of only what is needed, and the system-call filter that loadlock uses."""
    path = work / name
    (path / "rootfs").mkdir(parents=True)
    subprocess.run(["runc", "spec"], cwd=path, check=True)
    spec = json.loads((path / "config.json").read_text())
    process = spec["process"]
    process["terminal"] = False
    process["args"] = command
    process["env"] = ["PATH=/usr/bin:/bin", "OMP_NUM_THREADS=1", "OPENBLAS_NUM_THREADS=1", "HOME=/tmp"]
    process["capabilities"] = {k: [] for k in process["capabilities"]}
    spec["mounts"] = [m for m in spec["mounts"] if m["destination"] not in ("/sys", "/sys/fs/cgroup")]
    spec["mounts"].append({"destination": "/tmp", "type": "tmpfs", "source": "tmpfs", "options": ["nosuid", "nodev", "size=1024m"]})
    for p in ["/usr", str(loader.parent), str(model)]:
        spec["mounts"].append({"destination": p, "type": "bind", "source": p, "options": ["bind", "ro", "nosuid", "nodev"]})
    for p in ("bin", "lib", "lib64", "sbin"):
        if os.path.islink("/" + p):
            os.symlink(os.readlink("/" + p), path / "rootfs" / p)
    (path / "rootfs" / "etc").mkdir()
    for p in ("/etc/ld.so.cache", "/etc/alternatives"):
        spec["mounts"].append({"destination": p, "type": "bind", "source": p, "options": ["bind", "ro"]})
    linux = spec["linux"]
    linux["namespaces"].append({"type": "user"})
    linux["uidMappings"] = linux["gidMappings"] = [{"containerID": 0, "hostID": FIRST_ID, "size": 65536}]
    linux["resources"]["memory"] = {"limit": 8 << 30}
    linux["resources"]["pids"] = {"limit": 512}
    if seccomp:
        linux["seccomp"] = seccomp
    for m in spec["mounts"]:  # the runtime is not root on the host when it wants to make these
        place = path / "rootfs" / m["destination"].lstrip("/")
        if m["type"] == "bind" and not os.path.isdir(m["source"]):
            place.parent.mkdir(parents=True, exist_ok=True)
            place.touch()
        elif not m["destination"].startswith("/dev/"):
            place.mkdir(parents=True, exist_ok=True)
    for d in [path / "rootfs", *(path / "rootfs").rglob("*")]:
        os.chown(d, FIRST_ID, FIRST_ID, follow_symlinks=False)
    os.chmod(path, 0o755)
    (path / "config.json").write_text(json.dumps(spec))
    return path


def oci(runtime, flags, path):
    counter = iter(range(1_000_000))
    return lambda: [runtime, *flags, "run", "--bundle", str(path), f"bench-{os.getpid()}-{path.name}-{runtime}-{next(counter)}"]


def fixed(argv):
    return lambda: argv


def contenders(loadlock, work, kind, command, model, loader):
    flags = ["--model", str(model)] if kind == "torch" else []
    plan = subprocess.run([loadlock, "run", "--dry-run", *flags, "--", *command], capture_output=True, check=True)
    seccomp = json.loads(plan.stdout)["linux"].get("seccomp")
    out = {"bare": fixed(command), "loadlock run": fixed([loadlock, "run", "-q", *flags, "--", *command])}
    notes = []
    if shutil.which("bwrap"):
        out["bwrap"] = fixed(bwrap(command, model, loader))
    for runtime in ("crun", "runc"):
        if not shutil.which(runtime):
            continue
        path = bundle(work, f"{runtime}-{kind}", command, model, loader, seccomp)
        for label, flags in ((runtime, []), (runtime + " without cgroups", ["--cgroup-manager=disabled"])):
            if flags and runtime == "runc":
                break
            _, done = run(oci(runtime, flags, path)())
            if done.returncode == 0:
                out[label] = oci(runtime, flags, path)
                break
            notes.append(f"{label} did not run: {done.stderr.decode(errors='replace').strip().splitlines()[-1:]}")
    return out, notes


def measure(runners, n):
    times = {name: [] for name in runners}
    outputs = {}
    for i in range(n + 1):
        for name, make in runners.items():
            took, done = run(make())
            if done.returncode != 0:
                sys.exit(f"{name}: status {done.returncode}: {done.stderr.decode(errors='replace')}")
            if outputs.setdefault("bare", done.stdout) != done.stdout:
                sys.exit(f"{name}: its output differs from bare's")
            if i > 0:  # the first round warms the caches
                times[name].append(took * 1000)
    return times


def table(title, times):
    bare = statistics.median(times["bare"])
    ours = statistics.median(times["loadlock run"]) - bare
    print(f"\n| {title} | median ms | middle half ms | adds ms | adds % | adds, loadlock = 1 |\n|---|---:|---:|---:|---:|---:|")
    for name, t in times.items():
        m, q = statistics.median(t), statistics.quantiles(t, n=4)
        extra = m - bare
        added = ["", "", ""] if name == "bare" else [f"{extra:.1f}", f"{100 * extra / bare:.1f}", f"{extra / ours:.2f}"]
        print(f"| {name} | {m:.1f} | {q[0]:.1f}–{q[2]:.1f} | " + " | ".join(added) + " |")


def version(argv):
    try:
        return subprocess.run(argv, capture_output=True, text=True).stdout.splitlines()[0].strip()
    except (OSError, IndexError):
        return argv[0] + " is not installed"


def machine():
    cpu = next((l.split(":", 1)[1].strip() for l in open("/proc/cpuinfo") if l.startswith("model name")), platform.machine())
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") >> 30
    return (f"{cpu}, {os.cpu_count()} processors, {memory} GiB, Linux {platform.release()}, Python {platform.python_version()}; "
            + "; ".join(version(a) for a in (["bwrap", "--version"], ["crun", "--version"], ["runc", "--version"])))


def main(loadlock, work, n):
    loadlock, work = os.path.abspath(loadlock), pathlib.Path(work)
    os.chmod(work, 0o755)
    print(machine())
    print(f"\nEach {n} times (torch: {max(5, n // 2)}), interleaved; medians of wall-clock time.")
    model = work / "models" / "benign"
    loader = work / "loader" / "load_model.py"  # where every runtime's ids can reach it
    loader.parent.mkdir()
    shutil.copy(HERE.parent / "demo" / "load_model.py", loader)
    notes = []
    for kind, title, command, rounds in (
        ("true", "`/bin/true`", ["/bin/true"], n),
        ("torch", "`python3 load_model.py` (torch)", [PYTHON, str(loader), str(model)], max(5, n // 2)),
    ):
        runners, said = contenders(loadlock, work, kind, command, model, loader)
        notes += [s for s in said if s not in notes]
        table(title, measure(runners, rounds))
    for s in notes:
        print(f"\n{s}")


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
