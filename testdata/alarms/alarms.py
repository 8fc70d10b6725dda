#!/usr/bin/env python3
"""How often loadlock is wrong about files that are what they seem: everything of these kinds that Debian installed on
this machine, each scanned as if it had come with a model. Prints Markdown tables.

    alarms.py LOADLOCK [FOLDER…]      default: /usr/lib/python3 /usr/lib/python3.* /usr/share
"""
import collections, glob, json, os, subprocess, sys, tempfile

KINDS = {
    "Python source": (".py",),
    "pickle, torch, joblib": (".pkl", ".pickle", ".pt", ".pth", ".ckpt", ".joblib", ".bin"),
    "numpy": (".npy", ".npz"),
    "zip": (".zip", ".whl", ".jar"),
    "HDF5": (".h5", ".hdf5", ".keras"),
    "protobuf": (".onnx", ".pb", ".tflite", ".mlmodel"),
    "safetensors, GGUF": (".safetensors", ".gguf"),
    "JSON": (".json",),
    "YAML": (".yaml", ".yml"),
    "compressed, tar": (".gz", ".xz", ".bz2", ".tar", ".7z", ".zst"),
    "pictures": (".png", ".jpg", ".gif", ".svg", ".webp"),
    "text": (".txt", ".md", ".csv"),
    "XML": (".xml", ".pmml"),
    "R": (".rds", ".rda", ".RData"),
}


def find(roots):
    found = collections.defaultdict(list)
    kind_of = {ext: kind for kind, exts in KINDS.items() for ext in exts}
    for root in roots:
        for folder, _, names in os.walk(root):
            for name in names:
                path = os.path.join(folder, name)
                kind = kind_of.get(os.path.splitext(name)[1])
                if kind and os.path.isfile(path) and not os.path.islink(path) and os.path.getsize(path):
                    found[kind].append(path)
    return found


def scan(loadlock, paths):
    with tempfile.NamedTemporaryFile("w") as listed:
        listed.write("\0".join(paths) + "\0")
        listed.flush()
        out = subprocess.run([loadlock, "scan", "-q", "--format", "json", "--from-file", listed.name], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL).stdout
    return json.loads(out)["models"]


def main():
    loadlock, roots = sys.argv[1], sys.argv[2:] or ["/usr/lib/python3"] + glob.glob("/usr/lib/python3.*") + ["/usr/share"]
    rules = collections.defaultdict(list)
    print("| kind | files | no finding above a note | inconclusive | refused |\n|---|---:|---:|---:|---:|")
    for kind, paths in sorted(find(roots).items()):
        count = collections.Counter()
        for m in scan(loadlock, paths):
            worst = "LOW"
            for f in m["findings"] or []:
                # A single file that is withheld leaves nothing to load; that says nothing about the file.
                if f["severity"] == "LOW" or f.get("waived") or f["rule"] == "validate/empty":
                    continue
                rules[(f["severity"], f["rule"])].append(m["path"])
                worst = "HIGH" if "HIGH" in (worst, f["severity"]) else "MEDIUM"
            count[worst] += 1
        print("| %s | %d | %d | %d | %d |" % (kind, sum(count.values()), count["LOW"], count["MEDIUM"], count["HIGH"]))
    print("\n| severity | rule | files | for example |\n|---|---|---:|---|")
    for (severity, rule), paths in sorted(rules.items(), key=lambda kv: (kv[0][0], -len(set(kv[1])))):
        print("| %s | %s | %d | %s |" % (severity, rule, len(set(paths)), "/".join(paths[0].split("/")[-3:])))


main()
