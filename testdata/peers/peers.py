#!/usr/bin/env python3
"""Runs loadlock and the other scanners that can be found over the same files, one process per file and scanner, and
prints tables in Markdown: what each said about hostile and harmless files, and what that cost.

    peers.py LOADLOCK FOLDER

FOLDER holds hostile/ and benign/, as `make vectors` leaves them: the test vectors of this tree. A scanner is found on
PATH (picklescan, modelscan, fickling, modelaudit), or named by a variable: PICKLESCAN="python3 -m picklescan".
"""
import os, shlex, shutil, signal, subprocess, sys, tempfile, threading, time

TIMEOUT = 20  # seconds per file
LIMIT = int(os.environ.get("N", "0"))  # files of each kind in each table; 0 means all

PICKLES = (".pkl", ".pickle", ".pt", ".pth", ".bin", ".ckpt", ".joblib", ".npy", ".npz", ".zip")

# What each exit status means, from each tool's documentation or source. Anything else, and a time-out, is a crash.
PEERS = {
    "picklescan": ("picklescan", ["-p"], {0: "clean", 1: "found", 2: "error"}),
    "modelscan": ("modelscan", ["scan", "-p"], {0: "clean", 1: "found", 2: "error", 3: "clean", 4: "error"}),
    "fickling": ("fickling", ["--check-safety"], {0: "clean", 1: "found", 2: "error"}),
    "modelaudit": ("modelaudit", ["scan"], {0: "clean", 1: "found", 2: "error"}),
}


def run(command, path):
    """One scan: the exit status (None for a time-out, a signal or a traceback), seconds, MiB."""
    errors = tempfile.TemporaryFile()
    start = time.monotonic()
    p = subprocess.Popen(command + [path], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=errors, start_new_session=True)
    timer = threading.Timer(TIMEOUT, lambda: os.killpg(p.pid, signal.SIGKILL))
    timer.start()
    _, wait, usage = os.wait4(p.pid, 0)  # the usage of this one and of what it waited for
    timer.cancel()
    took = time.monotonic() - start
    p.returncode = status = os.waitstatus_to_exitcode(wait)
    errors.seek(0)
    if status < 0 or status == 1 and b"Traceback (most recent call last)" in errors.read():
        status = None
    errors.close()
    return status, took, usage.ru_maxrss / 1024


def files(folder):
    return sorted(os.path.join(d, f) for d, _, names in os.walk(folder) for f in names)


def sample(paths):
    return paths[:: -(-len(paths) // LIMIT)] if LIMIT and len(paths) > LIMIT else paths


def judge(command, meanings, hostile, benign):
    row = {"found": 0, "error": 0, "clean": 0, "crashed": 0, "alarm": 0, "unsure": 0, "seconds": 0.0, "peak": 0.0}
    for path in hostile:
        status, took, peak = run(command, path)
        row["seconds"], row["peak"] = row["seconds"] + took, max(row["peak"], peak)
        row[meanings.get(status, "crashed")] += 1
    for path in benign:
        status, took, peak = run(command, path)
        row["seconds"], row["peak"] = row["seconds"] + took, max(row["peak"], peak)
        said = meanings.get(status, "crashed")
        row["alarm"] += said == "found"
        row["unsure"] += said in ("error", "crashed")
    return row


def main():
    loadlock, folder = sys.argv[1:3]
    hostile, benign = files(os.path.join(folder, "hostile")), files(os.path.join(folder, "benign"))
    if not hostile or not benign:
        sys.exit("peers: no files below %s: run make vectors first" % folder)
    tools = [("loadlock", [loadlock, "scan", "-q"], {0: "clean", 1: "found", 2: "error", 3: "error"})]
    for name, (program, args, meanings) in PEERS.items():
        command = shlex.split(os.environ.get(name.upper(), "")) or ([shutil.which(program)] if shutil.which(program) else None)
        if command:
            tools.append((name, command + args, meanings))
        else:
            print("not found: %s (set %s to its command)" % (name, name.upper()), file=sys.stderr)
    for title, wanted in (("pickle, PyTorch, numpy, joblib, zip: what all of them read", PICKLES), ("all other formats", None)):
        bad, good = ([p for p in paths if (os.path.splitext(p)[1].lower() in PICKLES) == (wanted is not None)] for paths in (hostile, benign))
        table(title, tools, sample(bad), sample(good))


def table(title, tools, hostile, benign):
    print("%s: %d hostile and %d harmless files, one process per file\n" % (title, len(hostile), len(benign)))
    print("| scanner | hostile: found | could not judge | crashed or > %d s | let through | harmless: alarm | could not judge | ms per file | peak MiB |" % TIMEOUT)
    print("|---|---:|---:|---:|---:|---:|---:|---:|---:|")
    for name, command, meanings in tools:
        r = judge(command, meanings, hostile, benign)
        ms = 1000 * r["seconds"] / max(1, len(hostile) + len(benign))
        print("| %s | %d | %d | %d | %d | %d | %d | %.1f | %.0f |" % (name, r["found"], r["error"], r["crashed"], r["clean"], r["alarm"], r["unsure"], ms, r["peak"]))
        sys.stdout.flush()
    print()


main()
