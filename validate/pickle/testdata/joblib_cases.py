"""Saves arrays with joblib, damages the files, and records what joblib's own unpickler does: end, and the names it looks up.

Names that are not harmless are replaced by a class that takes everything, so that nothing of a damaged file runs.
"""
import io, json, os, random, resource, sys, warnings
import joblib.numpy_pickle as jp
import numpy as np

resource.setrlimit(resource.RLIMIT_AS, (4 << 30, 4 << 30))
warnings.simplefilter("ignore")
rnd = random.Random(11)
HARMLESS = {("numpy", "ndarray"), ("numpy", "dtype"), ("numpy.core.multiarray", "_reconstruct"), ("numpy.core.multiarray", "scalar"), ("_codecs", "encode"),
            ("joblib.numpy_pickle", "NumpyArrayWrapper"), ("collections", "OrderedDict")}


class Stub:
    def __new__(cls, *a, **k):
        return object.__new__(cls)

    def __init__(self, *a, **k):
        pass

    def __setstate__(self, s):
        pass


class Recorder(jp.NumpyUnpickler):
    def find_class(self, module, name):
        self.names.append([module, name])
        if (module, name) in HARMLESS:
            return super().find_class(module, name)
        return Stub


def dump(obj, proto):
    b = io.BytesIO()
    jp.NumpyPickler(b, protocol=proto).dump(obj)
    return b.getvalue()


arrays = [np.arange(3.), np.zeros((2, 0)), np.array(5), np.arange(6, dtype="u1").reshape(2, 3), np.ones((2, 3), order="F"), np.array(["a", "bc"]), np.array([True]),
          np.zeros(2, [("a", "<f4"), ("b", "S3")]), np.array(["2020-01-01"], "M8[D]"), np.arange(4, dtype=">i2")]
seeds = []
for proto in range(2, 6):
    for a in arrays:
        seeds.append(dump(a, proto))
        seeds.append(dump({"x": a, "y": [a, "text", a[:1] if a.ndim else a]}, proto))
    seeds.append(dump(arrays[:4], proto))
cases = [(s, True) for s in seeds]
for _ in range(1200):
    b = bytearray(rnd.choice(seeds))
    for _ in range(rnd.choice((1, 1, 2))):
        i, how = rnd.randrange(len(b)), rnd.randrange(4)
        if how == 0:
            b[i] = rnd.randrange(256)
        elif how == 1:
            del b[i:i + rnd.randrange(1, 4)]
        elif how == 2:
            b[i:i] = rnd.choice((b"\x00", b"0", b"N", b"cos\nsystem\n", b"\x94", b"K\x05", b"\x85"))
        else:
            b[i] ^= 1 << rnd.randrange(8)
    cases.append((bytes(b), False))
with open(os.path.join(sys.argv[1], "cases"), "w") as out:
    for data, clean in cases:
        f = io.BytesIO(data)
        ok, why, names, end = True, "", [], 0
        try:
            u = Recorder("m", f, mmap_mode=None) if jp.NumpyUnpickler.__init__.__code__.co_argcount == 4 else Recorder("m", f, ensure_native_byte_order=True)
            u.names = names
            u.load()
            end = f.tell()
        except BaseException as e:
            ok, why = False, repr(e)[:200]
        names = [[m.encode("utf8", "replace").hex(), n.encode("utf8", "replace").hex()] for m, n in names]
        out.write(json.dumps({"data": data.hex(), "clean": clean, "ok": ok, "end": end, "names": names, "why": why}) + "\n")
