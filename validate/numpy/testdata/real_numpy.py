"""Writes arrays in every kind of element type and version, and where numpy says that their data begins."""
import json, os, sys, warnings
import numpy as np
from numpy.lib import format as f

out = sys.argv[1]
warnings.simplefilter("ignore")
index = {}
types = ["?", "i1", "u1", "<i2", ">i2", "<u4", "<i8", ">f8", "<f2", "<f4", "<f8", "longdouble", "<c8", "<c16", "clongdouble", "S5", "U3", "V7", "S0", "U0",
         "M8[ns]", "M8[25s]", "m8[D]", "M8", [("a", "<f4"), ("b", "<i8")], [("a", "u1"), ("b", "<f4", (2, 3))], [(("title", "a"), "<f4"), ("b", "U2")],
         [("a", [("x", "<f4"), ("y", "S3")]), ("b", "?")], [("é", "<f4")], [("\u65e5", "<f4")], [("it's", "<f4"), ('say "x"', "i1"), ("back\\slash", "i1"), ("a\nb", "i1")],
         [("field%d" % i, "<f8") for i in range(3000)], np.dtype([("a", "u1"), ("b", "<f8")], align=True), "O", [("a", "<f4"), ("o", "O")]]
shapes = [(), (1,), (2, 3), (0, 4)]
n = 0


def put(a, version=None):
    global n
    name = f"{n}.npy"
    n += 1
    with open(os.path.join(out, name), "wb") as fp:
        f.write_array(fp, a, version=version)
    with open(os.path.join(out, name), "rb") as fp:
        v = f.read_magic(fp)
        f._read_array_header(fp, v, max_header_size=10**9)
        index[name] = fp.tell()


for t in types:
    for s in shapes:
        a = np.zeros(s, np.dtype(t))
        put(a)
        if a.ndim == 2:
            put(np.asfortranarray(a))
for v in ((1, 0), (2, 0), (3, 0)):
    put(np.arange(6.).reshape(2, 3), v)
put(np.array(["a", 1, None, (1, 2.5), [b"x"]], dtype=object))
with open(os.path.join(out, "index.json"), "w") as fp:
    json.dump(index, fp)
