"""The checks of selftest.sh. Writes one JSON report; see selftest.sh for how to call it and for the exit status."""

import argparse
import json
import os
import pathlib
import re
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time

from harness import HERE, INSIDE, STANDIN, Ended, Failed, Harness, NotHere, about, check, denied, must

PASSED, FAILED, USAGE, STANDIN_PASSED, NO_GPU = 0, 1, 2, 3, 4

# Commands that must never reach the driver, by the kernel module's own headers (nv-ioctl-numbers.h, uvm_ioctl.h).
FORBIDDEN = {
    "/dev/nvidiactl": {"NV_ESC_IOCTL_XFER_CMD": "0xc01046d3", "NV_ESC_RM_I2C_ACCESS": "0xc0104639", "NV_ESC_RM_ACCESS_REGISTRY": "0xc028464d",
                       "NV_ESC_RM_LOCKLESS_DIAGNOSTIC": "0xc020465f", "NV_ESC_EXPORT_TO_DMABUF_FD": "0xc01046d1", "NV_ESC_SET_NUMA_STATUS": "0xc00846d8",
                       "RM_ALLOC of another size": "0xc031462b", "TIOCSTI": "0x5412"},
    "/dev/nvidia-uvm": {f"UVM {n}": hex(n) for n in (*range(56, 65), 67, 69, 71, 74, *range(76, 81))},
}


class Selftest(Harness):
    """The checks: each says what in its first line, returns what the report keeps, or raises Failed or NotHere."""

    # It computes.

    def probe(self):
        """loadlock doctor --gpu --probe finds the GPU fit"""
        lines = [c for c in self.doctor("--probe") if c["name"].startswith("probe") and c["status"] != "warning"]
        must(lines and all(c["status"] == "ok" for c in lines), lines)
        return {"says": lines[0]["detail"]}

    def compute(self):
        """cuInit, memory, a kernel from PTX, and back"""
        ended = self.locked("compute")
        must(ended.status == 0 and ended.out.get("ok"), str(ended))
        return {"gpu": ended.out["gpu"], "denied": denied(ended.report)}

    def needs_torch(self):
        if self.torch is None:
            self.torch = self.bare("torch").out
        if not self.torch.get("available"):
            raise NotHere(f"bare Python has no PyTorch that sees a GPU: {json.dumps(self.torch)[:300]}")

    def product(self):
        """torch.cuda.is_available, one GPU visible, a product of matrices as the processor's"""
        self.needs_torch()
        ended = self.locked("torch")
        must(ended.status == 0 and ended.out.get("ok") and ended.out["visible"] == len(self.host["granted"]), str(ended))
        return {**ended.out, "denied": denied(ended.report)}

    def load(self):
        """a validated state dict is loaded onto the GPU"""
        self.needs_torch()
        model = self.work / "model"
        model.mkdir(exist_ok=True)
        make = "import sys, torch; torch.save({'w': torch.arange(1000.0)}, sys.argv[1])"
        subprocess.run([sys.executable, "-c", make, str(model / "pytorch_model.bin")], check=True, timeout=300)
        ended = self.locked("load", str(model / "pytorch_model.bin"), flags=["--model", str(model)])
        must(ended.status == 0 and ended.out.get("total") == 499500.0, str(ended))
        return {}

    def triton(self):
        """a kernel that Triton compiles"""
        self.needs_torch()
        bare = self.bare("triton", timeout=600)
        if not bare.out.get("ok"):
            raise NotHere(f"not outside either: {json.dumps(bare.out)[:300]}")
        ended = self.locked("triton", timeout=600)
        must(ended.status == 0 and ended.out.get("ok"), str(ended))
        return {"triton": ended.out["triton"]}

    def smi(self):
        """nvidia-smi -L shows the granted GPUs and no other"""
        if not shutil.which("nvidia-smi"):
            raise NotHere("no nvidia-smi")
        process = self.start([*self.flags(), "--quiet", "--", "nvidia-smi", "-L"])
        out, err = process.communicate(timeout=120)
        shown = re.findall(r"^GPU \d+: .*", out, re.MULTILINE)
        must(process.returncode == 0 and len(shown) == len({g["index"] for g in self.host["granted"]}), {"out": out, "err": err[-500:]})
        return {"shown": len(shown)}

    # Nothing else is there.

    def neighbours(self):
        """nodes of other GPUs, of the display and of MIG's configuration do not exist, and cannot be made"""
        granted = {n["path"] for n in self.plan["nodes"]}
        here = sorted({str(p) for pattern in ("nvidia*", "nvidia-caps/*", "dri/*", "kfd", "dxg") for p in pathlib.Path("/dev").glob(pattern) if not p.is_dir()} - granted)
        absent = ["/dev/nvidia-modeset", "/dev/nvidia-uvm-tools", "/dev/nvidia-caps/nvidia-cap1", "/dev/dri/card0"]
        ended = self.locked("open", *here, *absent)
        must(ended.status == 0 and set(ended.out["seen"].values()) == {"ENOENT"}, str(ended))
        facts = self.locked("facts").out
        must(facts["mknod"] == "EPERM", facts)
        siblings = [p for p in here if re.fullmatch(r"/dev/nvidia\d+|/dev/dri/renderD\d+", p)]
        return {"on the host and not inside": here, "other GPUs among them": len(siblings)}

    def reach(self):
        """the granted nodes open"""
        ended = self.locked("open", *[n["path"] for n in self.plan["nodes"]])
        fine = {"ok", "ENXIO"} if STANDIN else {"ok"}
        must(ended.status == 0 and set(ended.out["seen"].values()) <= fine, str(ended))
        return ended.out["seen"]

    def facts(self):
        """/proc/driver, /sys/module and the variables show the granted GPU only; the driver's library cannot be written"""
        facts = self.locked("facts").out
        buses = sorted(g["bus_id"] for g in self.host["granted"])
        must("ModifyDeviceFiles: 0" in facts["params"] and "ModifyDeviceFiles: 1" not in facts["params"], facts)
        must(facts["gpus"] == buses and set(facts["proc_driver"]) <= {"nvidia", "nvidia-caps"}, facts)
        must(set(facts["modules"]) <= {"nvidia", "nvidia_uvm", "amdgpu"}, facts)
        must(facts["written"] and "ok" not in facts["written"].values(), facts)
        return {"written": facts["written"], "env": facts["env"]}

    def unprivileged(self):
        """the command is not root of the host"""
        facts = self.locked("facts").out
        rows = [facts["uid_map"][i : i + 3] for i in range(0, len(facts["uid_map"]), 3)]
        outside = [int(host) + facts["uid"] - int(inside) for inside, host, count in rows if int(inside) <= facts["uid"] < int(inside) + int(count)]
        must(outside and outside[0] != 0, facts)
        return {"inside": facts["uid"], "on the host": outside[0]}

    def refused(self):
        """a policy that forbids GPUs, one that names another, and a GPU that does not exist: not run (125)"""
        seen = {}
        for name, flags in {
            "strict": ["--policy", "strict", "--model", str(HERE)],
            "forbidden": self.policy("restricted_operations: [network_access, file_write, gpu]\n", "forbidden"),
            "another": self.policy("gpu: {devices: [GPU-ffffffff-0000-4000-8000-000000000000]}\n", "another"),
        }.items():
            seen[name] = self.locked("facts", flags=flags)
        word, self.word = self.word, "GPU-ffffffff-0000-4000-8000-000000000000"
        try:
            seen["absent"] = self.locked("facts")
        finally:
            self.word = word
        must(all(e.status == 125 and not e.out for e in seen.values()), {k: str(e) for k, e in seen.items()})
        return {k: e.err.strip().splitlines()[0] for k, e in seen.items()}

    def host_root(self):
        """a command that would be root of the host is not run (125)"""
        if os.geteuid() != 0 or not shutil.which("unshare"):
            raise NotHere("it takes root, and unshare(1) to make a user namespace whose root is the host's")
        ended = self.call(["unshare", "--user", "--map-root-user", *self.flags(), "--", sys.executable, INSIDE, "facts"])
        must(ended.status == 125 and not ended.out and "root of the host" in ended.err, str(ended))
        return {"said": ended.err.strip().splitlines()[0]}

    def forbidden_ioctls(self):
        """commands that escape the list are refused before the driver sees them"""
        listed, seen = self.plan["ioctls"].get("words", []), {}
        for node, words in FORBIDDEN.items():
            words = {name: word for name, word in words.items() if int(word, 16) not in listed}  # a newer list may have one more
            ended = self.locked("ioctl", node, *words.values())
            must(ended.status == 0 and set(ended.out["seen"].values()) == {"EPERM"}, {"on": node, "seen": str(ended)})
            seen[node] = {"opened": ended.out["on"], "EPERM": list(words)}
        return seen

    def listed_ioctls(self):
        """commands of the list reach the driver: it answers, and not with EPERM"""
        words = [f"{w:#x}" for w in self.plan["ioctls"].get("words", [])]
        if not words:
            raise NotHere("there is no list for this driver")
        node = next(n["path"] for n in self.plan["nodes"] if re.fullmatch(r"/dev/(nvidia\d+|kfd|dri/renderD\d+)", n["path"]))
        ended = self.locked("ioctl", node, *words)
        must(ended.status == 0 and ended.out["on"] == node and "EPERM" not in ended.out["seen"].values(), str(ended))
        return ended.out

    def attacks(self):
        """loadlock selftest, the parts about devices"""
        process = self.start([self.loadlock, "selftest", "--json", "G", "F-16", "S-30", *([] if STANDIN else ["R-14"])])
        out, err = process.communicate(timeout=600)
        checks = json.loads(out)["checks"] if out.startswith("{") else []
        must(process.returncode == 0 and checks, {"status": process.returncode, "checks": [c for c in checks if c["status"] != "stopped"], "err": err[-500:]})
        return {c["id"]: c["status"] for c in checks}

    # What it needs.

    def bisect(self):
        """each piece of the grant is left out in turn"""
        rows = [self.without("compute", piece) for piece in self.pieces]
        needless = [r["piece"] for r in rows if r["works"]]
        data = {"pieces": len(rows), "needed by compute": [r for r in rows if not r["works"]], "not needed by compute": needless}
        if needless:
            together = self.locked("compute", flags=[f for p in needless for f in ("--gpu-without", p)])
            data["without all of those together"] = "works" if together.status == 0 else f"fails: {json.dumps(together.out)}"
        if self.deep and self.torch and self.torch.get("available"):
            data["needed by torch"] = [r for r in (self.without("torch", p) for p in needless) if not r["works"]]
        must(len(needless) < len(rows), "nothing at all is needed: the pieces were not left out")
        return data

    def without(self, what, piece):
        ended = self.locked(what, flags=["--gpu-without", piece])
        must(ended.report.get("gpu", {}).get("without") == [piece], f"{piece} was not left out: {ended}")
        row = {"piece": piece, "works": ended.status == 0 and bool(ended.out.get("ok"))}
        if not row["works"]:
            row.update(call=ended.out.get("call"), code=ended.out.get("code"), status=ended.status)
        return row

    def unlisted(self):
        """ioctl_filter: log names the commands that this driver's programs use and no list has"""
        policy = self.policy("gpu: {ioctl_filter: log}\n", "log")
        nobodys = self.locked("ioctl", "/dev/nvidiactl", "0xc0304699", flags=policy)  # a number that no driver has
        must(["0xc0304699"] == [u["arg"] for u in nobodys.report["gpu"]["ioctls"].get("unlisted", [])], f"an unlisted command was not named: {nobodys.report.get('gpu')}")
        what = "torch" if self.torch and self.torch.get("available") else "compute"
        logged, strict = self.locked(what, flags=policy), self.locked(what)
        must(logged.status == 0 and logged.out.get("ok"), str(logged))
        return {"program": what, "unlisted": [u["arg"] for u in logged.report["gpu"]["ioctls"].get("unlisted", [])], "refused under strict": denied(strict.report)}

    # Limits.

    def limit(self, enforce):
        policy = self.policy(f"gpu: {{memory_limit_mb: 1024, enforce: {enforce}}}\n", enforce)
        began, process = time.time(), self.start([*self.flags(*policy), "--", sys.executable, INSIDE, "hog", "4096"])
        out, err = process.communicate(timeout=120)
        ended = Ended(process.returncode, out, err, round(time.time() - began, 3), json.loads((self.work / "report.json").read_text()))
        if ended.status == 125:
            return ended, None
        over = next((line["at"] for line in ended.lines if line.get("mib", 0) > 1024), None)
        return ended, round(time.time() - over, 3) if over else None

    def best_effort(self):
        """a program beyond gpu.memory_limit_mb is stopped, by the kernel or by the watcher"""
        ended, latency = self.limit("best-effort")
        if ended.status == 125:
            raise NotHere(f"nothing watches here: {ended.err.strip().splitlines()[0]}")
        held = ended.report["gpu"].get("memory", [])
        must(held and ended.status != 0, str(ended))
        return {"memory": held, "seconds beyond the limit": latency, "had MiB": max((line.get("mib", 0) for line in ended.lines), default=0)}

    def require_hard(self):
        """require-hard is the kernel's or the hardware's wall, or a refusal"""
        ended, _ = self.limit("require-hard")
        if ended.status == 125:
            must("gpu" in ended.err.lower() and not ended.out, str(ended))
            return {"refused": ended.err.strip().splitlines()[0]}
        must(all(m["hard"] for m in ended.report["gpu"]["memory"]) and max(line.get("mib", 0) for line in ended.lines) <= 1024, str(ended))
        return {"memory": ended.report["gpu"]["memory"]}

    def killed(self, by):
        process = self.start([*self.flags(), "--", sys.executable, INSIDE, "spin"])
        line = process.stdout.readline()
        if "spinning" not in line:
            process.kill()
            raise Failed(f"no kernel began: {line!r} {process.communicate()}")
        time.sleep(1)
        began = time.monotonic()
        by(process)
        try:
            process.wait(timeout=120)
        except subprocess.TimeoutExpired:
            process.kill()
            raise Failed("loadlock did not end within two minutes") from None
        ended = time.monotonic() - began
        while time.monotonic() - began < 60:
            again = self.locked("compute")
            if again.status == 0 and not again.report["gpu"].get("holders"):
                return {"seconds to the end of loadlock": round(ended, 3), "seconds until nobody holds the GPU and it computes": round(time.monotonic() - began, 3)}
        raise Failed(f"after a minute somebody holds the GPU still: {again} {again.report.get('gpu', {}).get('holders')}")

    def terminated(self):
        """SIGTERM to loadlock in the middle of an endless kernel"""
        return self.killed(lambda process: process.send_signal(signal.SIGTERM))

    def slain(self):
        """SIGKILL to loadlock in the middle of an endless kernel"""
        return self.killed(lambda process: process.kill())

    def time_limit(self):
        """--timeout ends an endless kernel (124)"""
        ended = self.locked("spin", flags=["--timeout", "5"], timeout=120)
        must(ended.status == 124, str(ended))
        return {"seconds": ended.seconds}

    # What it costs.

    def beside(self, what, turns, value):
        rows = {"bare": [], "loadlock": []}
        for _ in range(turns):
            for name, run in (("bare", self.bare), ("loadlock", self.locked)):
                ended = run(*what)
                must(ended.status == 0 and ended.out.get("ok"), f"{name}: {ended}")
                rows[name].append(value(ended))
        median = {name: statistics.median(values) for name, values in rows.items()}
        return {**median, "ratio": round(median["loadlock"] / median["bare"], 4), "turns": turns}

    def start_cost(self):
        """start to end of the smallest program, beside bare Python"""
        return {"seconds": self.beside(["compute"], 3 if STANDIN else 10, lambda e: e.seconds)}

    def copy_cost(self):
        """GiB/s to the GPU and back, beside bare Python"""
        return {way: self.beside(["copies", "16" if STANDIN else "256"], 5, lambda e, way=way: e.out["gib_per_s"][way]) for way in ("to", "back")}

    def flop_cost(self):
        """TFLOP/s of a product of matrices, beside bare Python"""
        self.needs_torch()
        return {"tflop_per_s": self.beside(["flops"], 5, lambda e: e.out["tflop_per_s"])}


CHECKS = [
    ("C-01", Selftest.probe), ("C-02", Selftest.compute), ("C-03", Selftest.product), ("C-04", Selftest.load), ("C-05", Selftest.triton), ("C-06", Selftest.smi),
    ("N-01", Selftest.neighbours), ("N-02", Selftest.reach), ("N-03", Selftest.facts), ("N-04", Selftest.unprivileged), ("N-05", Selftest.refused),
    ("N-06", Selftest.forbidden_ioctls), ("N-07", Selftest.listed_ioctls), ("N-08", Selftest.host_root), ("N-09", Selftest.attacks),
    ("B-01", Selftest.bisect), ("B-02", Selftest.unlisted),
    ("M-01", Selftest.best_effort), ("M-02", Selftest.require_hard),
    ("K-01", Selftest.terminated), ("K-02", Selftest.slain), ("K-03", Selftest.time_limit),
    ("T-01", Selftest.start_cost), ("T-02", Selftest.copy_cost), ("T-03", Selftest.flop_cost),
]  # fmt: skip


def run(args, work):
    test = Selftest(args.loadlock, args.gpu, args.deep, work)
    report = {"schema": 1, "kind": "stand-in" if STANDIN else "real", "started": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()), "host": about(args.loadlock)}
    if STANDIN:
        report["WARNING"] = "STAND-IN: no GPU and no driver took part. The library is testdata/gpu/standin.c. This tests the script and proves nothing about any GPU."
    absent = test.discover()
    report["host"].update(test.host)
    if absent:
        report.update(kind="none", WARNING=f"NO GPU: nothing was tested. {absent}", checks=[])
        print(f"selftest: NO GPU, nothing was tested: {absent}", file=sys.stderr)
        return report, NO_GPU
    if not STANDIN and any(d["version"].startswith("1.") and d["vendor"] == "nvidia" for d in report["host"]["drivers"]):
        raise SystemExit("selftest: that is the stand-in's driver, and --stand-in was not given")
    wanted = [c for c in CHECKS if not args.only or c[0].startswith(tuple(args.only))]
    report["checks"] = [check(test, name, function) for name, function in wanted]
    count = report["counts"] = {r: sum(c["result"] == r for c in report["checks"]) for r in ("pass", "fail", "not-here")}
    kind = "STAND-IN, no GPU" if STANDIN else "real GPU"
    print(f"selftest ({kind}): {count['pass']} passed, {count['fail']} failed, {count['not-here']} not here", file=sys.stderr)
    if count["fail"] or not count["pass"]:
        return report, FAILED
    return report, STANDIN_PASSED if STANDIN else PASSED


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--loadlock", required=True, help="the built binary")
    parser.add_argument("--gpu", default="0", help="GPU to grant, as --gpu takes it")
    parser.add_argument("--deep", action="store_true", help="leave pieces out for PyTorch too (minutes)")
    parser.add_argument("--only", action="append", default=[], metavar="ID", help="checks whose ID begins so")
    parser.add_argument("report", type=pathlib.Path)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="loadlock-gpu-") as work:
        os.chmod(work, 0o755)
        report, status = run(args, pathlib.Path(work))
    report["exit_status"] = status
    args.report.write_text(json.dumps(report, indent=1) + "\n")
    return status


if __name__ == "__main__":
    sys.exit(main())
