#!/usr/bin/env python3
"""Times whole runs of `loadlock scan` and of the other scanners that can be found, interleaved, over the same files, and
prints the medians in Markdown.

    scan.py LOADLOCK [RUNS]

Small pickles (200 and 10,000) and a torch archive of 1 GiB that is mostly a hole. A scanner is found on PATH (picklescan,
modelscan, fickling), or named by a variable: PICKLESCAN="python3 -m picklescan". fickling takes one file at a time, and
is not asked about folders.
"""
import os, pickle, random, shlex, shutil, statistics, struct, subprocess, sys, tempfile, time, zipfile

PEERS = {"picklescan": ["-p"], "modelscan": ["scan", "-p"], "fickling": ["--check-safety"]}


def pickles(folder, n):
    rng = random.Random(1)
    os.makedirs(folder)
    for i in range(n):
        value = {"i": i, "w": [rng.random() for _ in range(16)], "name": "layer.%d" % i}
        with open(os.path.join(folder, "%05d.pkl" % i), "wb") as f:
            pickle.dump(value, f, protocol=i % 6)


def archive(path, size):
    """What torch.save writes for one float32 tensor of so many bytes, all zero and not on the disk."""
    def tensor(n):
        out = b"\x80\x02ctorch._utils\n_rebuild_tensor_v2\n((X\x07\x00\x00\x00storagectorch\nFloatStorage\nX\x01\x00\x00\x000X\x03\x00\x00\x00cpu"
        return out + b"J" + struct.pack("<i", n) + b"tQK\x00J" + struct.pack("<i", n) + b"\x85K\x01\x85\x89ccollections\nOrderedDict\n)RtR."
    class Hole:
        """Passes writes on, and seeks over zeros."""
        def __init__(self, f): self.f = f
        def write(self, b): return self.f.seek(len(b), 1) and len(b) if len(b) >= 1 << 20 else self.f.write(b)
        def __getattr__(self, name): return getattr(self.f, name)
    with open(path, "wb") as f, zipfile.ZipFile(Hole(f), "w") as z:
        z.writestr("archive/data.pkl", tensor(size // 4))
        with z.open("archive/data/0", "w", force_zip64=True) as member:
            zeros = bytes(1 << 20)
            for _ in range(size >> 20):
                member.write(zeros)
        z.writestr("archive/version", "3\n")


def run(command):
    start = time.monotonic()
    p = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, wait, usage = os.wait4(p.pid, 0)
    took = time.monotonic() - start
    p.returncode = os.waitstatus_to_exitcode(wait)
    return took, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024, p.returncode


def main(loadlock, runs):
    tools = {"loadlock": [loadlock, "scan", "-q"]}
    for name, args in PEERS.items():
        command = shlex.split(os.environ.get(name.upper(), "")) or ([name] if shutil.which(name) else None)
        if command:
            tools[name] = command + args
    with tempfile.TemporaryDirectory() as work:
        for n in (200, 10_000):
            pickles(os.path.join(work, str(n)), n)
        archive(os.path.join(work, "1GiB.pt"), 1 << 30)
        print("| input | scanner | wall, ms | CPU, ms | peak, MiB | exit | of loadlock's CPU |\n|---|---|---|---|---|---|---|")
        for title, name, count in (("200 small pickles", "200", runs), ("10,000 small pickles", "10000", max(3, runs // 3)), ("torch archive, 1 GiB", "1GiB.pt", max(3, runs // 3))):
            path = os.path.join(work, name)
            asked = {t: c for t, c in tools.items() if t != "fickling" or not os.path.isdir(path)}
            results = {t: [] for t in asked}
            for i in range(count + 1):
                for t, c in asked.items():
                    result = run(c + [path])
                    if i:  # the first round fills the page cache
                        results[t].append(result)
            base = statistics.median(r[1] for r in results["loadlock"])
            for t, rs in results.items():
                wall, cpu, peak = (statistics.median(r[k] for r in rs) for k in range(3))
                print(f"| {title} | {t} | {wall * 1000:.0f} | {cpu * 1000:.0f} | {peak:.0f} | {rs[-1][3]} | {cpu / base:.1f}× |", flush=True)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 10)
