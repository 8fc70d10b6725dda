#!/usr/bin/env python3
"""Runs loadlock's own attacks under other sandboxes with their usual hard flags, and prints what got through where, as
Markdown. The payload is the same program everywhere: loadlock selftest --under starts it below another one.

    containment.py LOADLOCK [ID…]

Needs root, which it gives up for bwrap and firejail: an ordinary user is who they are for. A runner is found on PATH.
"""
import atexit, json, os, shlex, shutil, signal, subprocess, sys, tempfile, time

USER = "1000"
DROP = ["setpriv", "--reuid", USER, "--regid", USER, "--clear-groups", "--"]
USR = {"/bin": "usr/bin", "/lib": "usr/lib", "/lib64": "usr/lib64", "/sbin": "usr/sbin"}

# What the kernel, a filter or a mount says when it refuses.
REFUSALS = set("EPERM EACCES ENOSYS ENOENT EROFS ESRCH ENODEV ENXIO EAFNOSUPPORT EPROTONOSUPPORT ECONNREFUSED ENETUNREACH"
               " SIGSYS ETXTBSY EXDEV ENOSPC EAGAIN ENOMEM EDQUOT EMFILE".split())


def bwrap(program, model):
    binds = ["--ro-bind", "/usr", "/usr", "--ro-bind", program, program, "--ro-bind", model, model, "--proc", "/proc", "--dev", "/dev", "--tmpfs", "/tmp", "--chdir", model]
    links = [a for link, target in USR.items() for a in ("--symlink", target, link)]
    return DROP + ["bwrap", "--unshare-all", "--die-with-parent", "--new-session", "--clearenv"] + links + binds + ["--"]


def firejail(program, model):
    return DROP + ["env", "HOME=/var/tmp", "firejail", "--quiet", "--noprofile", "--net=none", "--seccomp", "--caps.drop=all", "--private-tmp", "--private-dev", "--nonewprivs", "--"]


def bundle(runtime, program, model, args, folder):
    """An unmodified spec of the runtime, with a user namespace, what the payload needs to exist, and its command."""
    subprocess.run([runtime, "spec"], cwd=folder, check=True)
    path = os.path.join(folder, "config.json")
    spec = json.load(open(path))
    root = os.path.join(folder, "rootfs")
    os.mkdir(root)
    for link, target in USR.items():
        os.symlink(target, root + link)
    spec["root"] = {"path": "rootfs", "readonly": True}
    spec["process"].update(args=args, terminal=False, cwd=model)
    spec["mounts"] += [{"destination": d, "source": d, "type": "bind", "options": ["bind", "ro", "nosuid", "nodev"]} for d in ("/usr", program, model)]
    spec["mounts"] += [{"destination": "/tmp", "source": "tmpfs", "type": "tmpfs", "options": ["nosuid", "nodev", "mode=1777", "size=64m"]}]
    for d in ("/usr", program, model, "/tmp"):  # mount points: the root's owner is outside the user namespace
        at = root + d
        if os.path.isdir(d):
            os.makedirs(at, exist_ok=True)
        else:
            os.makedirs(os.path.dirname(at), exist_ok=True)
            open(at, "w").close()
    for d in ("proc", "dev", "sys"):
        os.makedirs(os.path.join(root, d), exist_ok=True)
    ids = [{"containerID": 0, "hostID": 300000, "size": 65536}]
    spec["linux"].update(uidMappings=ids, gidMappings=ids)
    spec["linux"]["namespaces"].append({"type": "user"})
    subprocess.run(["chown", "-hR", "300000:300000", root], check=True)
    os.chmod(folder, 0o755)
    json.dump(spec, open(path, "w"))
    return path


def front(runtime):
    """The command of an OCI runtime. crun 1.8 refuses hybrid cgroups whatever it is told, so it does not see the second
    hierarchy."""
    if runtime == "crun" and os.path.ismount("/sys/fs/cgroup/unified"):
        return ["unshare", "--mount", "sh", "-c", 'umount /sys/fs/cgroup/unified && exec crun --cgroup-manager=disabled "$@"', "crun"]
    return [runtime]


def oci(runtime, args):
    """Runs the payload in a bundle of its own; called as the command of --under."""
    program, model = os.environ["SELFTEST_PROGRAM"], os.environ["SELFTEST_MODEL"]
    with tempfile.TemporaryDirectory(dir="/var/tmp") as folder:
        bundle(runtime, program, model, args, folder)
        name = "containment-%d" % os.getpid()
        try:
            return subprocess.run([*front(runtime), "run", "--bundle", folder, name], close_fds=False).returncode
        finally:
            subprocess.run([*front(runtime), "delete", "--force", name], stderr=subprocess.DEVNULL)


def wrap(runner, args):
    if runner in ("runc", "crun"):
        return oci(runner, args)
    program, model = os.environ["SELFTEST_PROGRAM"], os.environ["SELFTEST_MODEL"]
    command = {"bwrap": bwrap, "firejail": firejail}[runner](program, model) + args
    os.execvp(command[0], command)


def selftest(loadlock, runner, ids):
    under = [] if runner == "loadlock" else ["--under", "%s %s --wrap %s" % (sys.executable, os.path.abspath(__file__), runner)]
    out = subprocess.run([loadlock, "selftest", "--json", *under, *ids], stdout=subprocess.PIPE, text=True)
    checks = {c["id"]: c for c in json.loads(out.stdout)["checks"]}
    if not any(p["saw"] for c in checks.values() for p in c["probes"]):
        sys.exit("%s started nothing: %s" % (runner, next((c["why"] for c in checks.values() if c.get("why")), "?")))
    return checks


STOPPED, REACHED, THROUGH = range(3)

# Checks that make no sense for another runner: of loadlock's own program and channel, and of what stands behind a mask
# where nothing is masked.
OWN = ("H-", "F-20")


def rank(probe):
    """How far a probe came: refused; answered by the code that it was for, which found its arguments wrong (EINVAL by
    bpf(2) is said by bpf(2)); or done. None: nothing was reported, or it is a near miss, which must work."""
    saw = probe["saw"]
    if probe.get("near_miss") or not saw:
        return None
    if saw in probe["want"].split(" or ") or saw in REFUSALS:
        return STOPPED
    return REACHED if saw.startswith("E") and saw.isupper() else THROUGH


def cell(check, names):
    """What one runner did with a check: the rank of its worst probe, and the text of the table."""
    if check["status"] == "not here":
        return None, "–"
    ranks = {p["name"]: rank(p) for p in check["probes"] if p["name"] in names}
    worst = max((r for r in ranks.values() if r is not None), default=None)
    if worst is None:
        return None, "?"
    bad = [n for n, r in ranks.items() if r == worst]
    text = ", ".join(bad[:3]) + (" and %d more" % (len(bad) - 3) if len(bad) > 3 else "")
    return worst, ("✓", "○ " + text, "✗ " + text)[worst]


def version(runner, loadlock):
    out = subprocess.run([loadlock, "version"] if runner == "loadlock" else [runner, "--version"], stdout=subprocess.PIPE, text=True).stdout
    return out.splitlines()[0].removeprefix("%s version " % runner).removeprefix("bubblewrap ").removeprefix("loadlock ")


def orphans(runner, loadlock):
    """Kills the front process with SIGKILL and looks a second later whether the payload still runs."""
    seconds = str(31000 + os.getpid() % 1000)
    args = ["/usr/bin/sleep", seconds]
    os.environ.update(SELFTEST_PROGRAM="/usr/bin/true", SELFTEST_MODEL="/usr/share")
    folder = tempfile.mkdtemp(dir="/var/tmp")
    name = "containment-kill-%d" % os.getpid()
    if runner == "loadlock":
        command = [loadlock, "run", "--quiet", "--", *args]
    elif runner in ("runc", "crun"):
        bundle(runner, "/usr/bin/true", "/usr/share", args, folder)
        command = [*front(runner), "run", "--bundle", folder, name]
    else:
        command = {"bwrap": bwrap, "firejail": firejail}[runner]("/usr/bin/true", "/usr/share") + args
    p = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    want = "\0".join(args).encode() + b"\0"

    def running():
        found = []
        for d in filter(str.isdigit, os.listdir("/proc")):
            try:
                if open("/proc/%s/cmdline" % d, "rb").read() == want:
                    found.append(int(d))
            except OSError:
                pass
        return found

    deadline = time.monotonic() + 20
    while not running() and time.monotonic() < deadline:
        time.sleep(0.05)
    started = bool(running())
    p.kill()
    p.wait()
    time.sleep(1)
    left = running()
    for pid in left:
        os.kill(pid, signal.SIGKILL)
    if runner in ("runc", "crun"):
        time.sleep(0.2)
        subprocess.run([*front(runner), "delete", "--force", name], stderr=subprocess.DEVNULL)
    shutil.rmtree(folder, ignore_errors=True)
    return "did not start" if not started else "✗ still running" if left else "✓ gone"


def cleanup(folder):
    """Ends payloads that outlived their runner, and removes what OCI runtimes keep of containers whose front was killed."""
    for d in filter(str.isdigit, os.listdir("/proc")):
        try:
            if open("/proc/%s/cmdline" % d, "rb").read().startswith(folder.encode() + b"/"):
                os.kill(int(d), signal.SIGKILL)
        except OSError:
            pass
    for runtime in filter(shutil.which, ("runc", "crun")):
        names = subprocess.run([*front(runtime), "list", "--quiet"], stdout=subprocess.PIPE, text=True).stdout.split()
        for name in names:
            if name.startswith("containment-"):
                subprocess.run([*front(runtime), "delete", "--force", name], stderr=subprocess.DEVNULL)
    shutil.rmtree(folder, ignore_errors=True)


def main():
    if len(sys.argv) > 2 and sys.argv[1] == "--wrap":
        sys.exit(wrap(sys.argv[2], sys.argv[3:]))
    if len(sys.argv) < 2 or os.geteuid() != 0:
        sys.exit(__doc__)
    ids = sys.argv[2:]
    folder = tempfile.mkdtemp(dir="/srv")  # where every user and every runner can reach it
    atexit.register(cleanup, folder)
    os.chmod(folder, 0o755)
    loadlock = shutil.copy(sys.argv[1], folder)
    runners = [r for r in ("bwrap", "firejail", "runc", "crun") if shutil.which(r)] + ["loadlock"]
    results = {r: selftest(loadlock, r, ids) for r in runners}
    print("| check | " + " | ".join("%s %s" % (r, version(r, loadlock)) for r in runners) + " |")
    print("|---|" + "---|" * len(runners))
    total = {r: [0, 0, 0] for r in runners}
    own = []
    for id, mine in results["loadlock"].items():
        shared = next((results[r][id] for r in runners if r != "loadlock" and results[r][id]["status"] != "not here"), {"probes": []})
        names = {p["name"] for p in shared["probes"] if not p.get("near_miss")}  # without what drives loadlock itself
        if not names or id.startswith(OWN):
            own.append(id)
            continue
        row = []
        for r in runners:
            worst, text = cell(results[r][id], names)
            row.append(text)
            if worst is not None:
                total[r][worst] += 1
        print("| %s %s | %s |" % (id, mine["title"], " | ".join(row)))
    for name, i in ("✗ got through", THROUGH), ("○ reached the kernel's code, with wrong arguments", REACHED), ("✓ stopped", STOPPED):
        print("| **%s** | %s |" % (name, " | ".join("**%d**" % total[r][i] for r in runners)))
    print("| payload 1 s after `kill -9` of the front process | " + " | ".join(orphans(r, loadlock) for r in runners) + " |")
    print("\nLeft out, because they concern loadlock itself, or cannot be tried here: %s." % ", ".join(own))
    print("\nFlags:\n")
    for r in runners:
        if r in ("bwrap", "firejail"):
            print("- `%s`" % shlex.join({"bwrap": bwrap, "firejail": firejail}[r]("PROGRAM", "MODEL")))
        elif r != "loadlock":
            print("- `%s`, as root: the bundle of `%s spec` with a user namespace (65536 ids), read-only root, read-only binds of /usr, PROGRAM and MODEL, a /tmp of 64 MiB"
                  % (shlex.join([*front(r), "run"]), r))
    print("- `loadlock selftest`, as root, policy safe")


if __name__ == "__main__":
    main()
