"""What the checks of selftest.py stand on: loadlock and bare Python are started, and what came of it is read."""

import json
import os
import pathlib
import platform
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
INSIDE = str(HERE / "inside.py")
STANDIN = os.environ.get("LOADLOCK_STANDIN") == "1"


class Failed(Exception):
    """A check that did not see what it must; its argument says what was seen."""


class NotHere(Exception):
    """A check that this machine cannot make; its argument says why."""


def must(condition, seen):
    if not condition:
        raise Failed(seen if isinstance(seen, str) else json.dumps(seen)[:2000])


class Ended:
    """A command that has ended: status, the last JSON object of its output, its report, its words, and how long it took."""

    def __init__(self, status, out, err, seconds, report=None):
        self.status, self.err, self.seconds, self.report = status, err, seconds, report or {}
        self.lines = [json.loads(line) for line in out.splitlines() if line.startswith("{") and line.endswith("}")]
        self.out = self.lines[-1] if self.lines else {}

    def __str__(self):
        return f"exit status {self.status}, printed {json.dumps(self.out)[:500]}, said {self.err.strip()[-500:]!r}"


class Harness:
    def __init__(self, loadlock, word, deep, work):
        self.loadlock, self.word, self.deep, self.work = loadlock, word, deep, work
        self.host, self.plan, self.pieces, self.torch = {}, {}, [], None
        self.environment = {k: v for k, v in os.environ.items() if not k.startswith(("CUDA_VISIBLE", "LD_PRELOAD"))}
        self.environment["PATH"] = os.pathsep.join([os.path.dirname(sys.executable), os.environ.get("PATH", "")])  # doctor's python3
        self.environment["XDG_CONFIG_HOME"] = str(work / "config")  # no policy of this user's

    def start(self, args, **how):
        return subprocess.Popen(args, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=self.environment, **how)

    def call(self, args, timeout=300):
        began, process = time.monotonic(), self.start(args)
        try:
            out, err = process.communicate(timeout=timeout)
        except subprocess.TimeoutExpired:
            process.kill()
            out, err = process.communicate()
            raise Failed(f"no end after {timeout} s: {args}") from None
        return Ended(process.returncode, out, err, round(time.monotonic() - began, 3))

    def bare(self, *args, timeout=300):
        return self.call([sys.executable, INSIDE, *args], timeout)

    def flags(self, *flags):
        return [self.loadlock, "run", "--report", str(self.work / "report.json"), "--gpu", self.word, *flags]

    def locked(self, *args, flags=(), timeout=300):
        (self.work / "report.json").unlink(missing_ok=True)
        ended = self.call([*self.flags(*flags), "--", sys.executable, INSIDE, *args], timeout)
        try:
            ended.report = json.loads((self.work / "report.json").read_text())
        except (OSError, ValueError):
            pass
        return ended

    def policy(self, text, name="policy"):
        path = self.work / f"{name}.yaml"
        path.write_text("extends: safe\n" + text)
        return ["--policy", str(path)]

    def discover(self):
        """What loadlock sees, and what it would grant. No GPU ends here."""
        self.host["doctor"] = [f"{c['status']} {c['name']}: {c['detail']}" for c in self.doctor()]
        dry = self.call([*self.flags("--dry-run"), "--", sys.executable, INSIDE, "facts"])
        if dry.status != 0:
            return dry.err.strip().splitlines()[0] if dry.err.strip() else str(dry)
        report = json.loads((self.work / "report.json").read_text())["gpu"]
        self.plan, self.pieces = report["plan"], report["pieces"]
        others = sorted({g["vendor"] for g in report["granted"]} - {"nvidia"})
        if others:
            return f"of {', '.join(others)}; these checks are about NVIDIA's, whose library they call"
        self.host.update(granted=report["granted"], drivers=report["drivers"], ioctls=report["ioctls"])
        return None

    def doctor(self, *flags):
        process = self.start([self.loadlock, "doctor", "--gpu", "--json", *flags])
        out, _ = process.communicate(timeout=300)
        return json.loads(out or "[]")


def denied(report):
    return [f"{d['call']}({d.get('arg', '')}) {d['errno']} x{d['count']}" for d in report.get("denials") or []]


def check(test, name, function):
    began, row = time.monotonic(), {"id": name, "what": function.__doc__, "result": "pass"}
    try:
        row["data"] = function(test)
    except NotHere as e:
        row.update(result="not-here", why=str(e))
    except Failed as e:
        row.update(result="fail", why=str(e))
    except Exception as e:  # noqa: BLE001 - a check that breaks has failed, and the rest goes on
        row.update(result="fail", why=f"{type(e).__name__}: {e}")
    row["seconds"] = round(time.monotonic() - began, 3)
    print(f"{row['result']:9} {name}  {row['what']}  ({row['seconds']} s)", file=sys.stderr)
    if "why" in row:
        print(f"                {row['why'][:600]}", file=sys.stderr)
    return row


def about(loadlock):
    version = subprocess.run([loadlock, "version"], capture_output=True, text=True, check=True, timeout=60).stdout.strip()
    return {"loadlock": version, "kernel": platform.release(), "machine": platform.machine(), "python": platform.python_version(), "root": os.geteuid() == 0,
            "in gVisor": platform.release().startswith("4.4.0")}  # fmt: skip
