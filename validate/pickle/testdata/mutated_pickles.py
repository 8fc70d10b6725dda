"""Mutates pickles and records what CPython's C unpickler does with each: end, and the names it looks up.

Nothing is really imported: find_class returns a class that takes everything.
"""
import collections, io, json, os, pickle, pickletools, random, resource, sys, warnings

resource.setrlimit(resource.RLIMIT_AS, (1 << 30, 1 << 30))
warnings.simplefilter("ignore")
rnd = random.Random(7)


class Stub:
    def __new__(cls, *a, **k):
        return object.__new__(cls)

    def __init__(self, *a, **k):
        pass

    def __setstate__(self, s):
        pass

    def __setitem__(self, k, v):
        pass

    def append(self, x):
        pass

    add = extend = append


class Recorder(pickle.Unpickler):
    def find_class(self, module, name):
        self.names.append([module, name])
        return Stub

    def persistent_load(self, pid):
        return Stub()


seeds = []
for obj in ([1, -5, 2**70, 1.5, "text", b"bytes", (1, 2, 3, 4), {"a": [None, True]}, {1, 2}, frozenset([3]), bytearray(b"x")],
            collections.OrderedDict(a=1, b=[2]), collections.Counter("abc"), [len, print], io.StringIO, list(range(30)), "x" * 300):
    for proto in range(6):
        seeds.append(pickle.dumps(obj, proto))
seeds += [b"(S'a'\nios\nsystem\n.", b"(cos\nsystem\nI1\no.", b"\x80\x02cos\nsystem\n)\x81}b.", b"I010\n0I0x1f\n0I1_0\n0L5L\n0F1.5\n0Vx\\u0041\n0S'\\x41'\n.",
          b"cos\nsystem\np0\n0g0\n(I1\ntR.", b"\x80\x04\x8c\x02os\x8c\x06system\x93\x94(1h\x00)R.", b"P12\n.", b"(I1\nI2\nld."]
ops = bytes(b"(.012FIJKLMNPQRSTUVXabcd}eghijl]opqrstu)GBC") + bytes(range(0x80, 0x99))
tails = [b"0", b"1", b"2", b"N", b"(", b")", b"R", b"\x81", b"\x94", b"\x93", b"I12\n", b"I1\x00z\n", b"L-7L\n", b"L0x7L\n", b"F 1\n", b"F1e3\x00\n",
         b"g 1_0\n", b"p+3\n", b"g+3\n", b"S'a\\z'\n", b"S\"q'\n", b"V\\u00\n", b"cos\r\nx\n", b"c\xff\ny\n", b"\x8c\x02\xed\xa0", b"\x8c\x01\xff", b"U\x01\xff",
         b"\x95\x02\0\0\0\0\0\0\0", b"\x80\x04", b"\x80\x00", b"q\xff", b"h\xff", b"a", b"e", b"u", b"s", b"b", b"t", b"l", b"d", b"o", b"\x85", b"\x90", b"\x91"]


def mutate(data):
    b = bytearray(data)
    for _ in range(rnd.choice((1, 1, 2, 4))):
        i = rnd.randrange(len(b) + 1)
        how = rnd.randrange(5)
        if how == 0 and i < len(b):
            b[i] = rnd.choice(ops)
        elif how == 1:
            b[i:i] = rnd.choice(tails)
        elif how == 2:
            del b[i:i + rnd.randrange(1, 4)]
        elif how == 3:
            other = rnd.choice(seeds)
            j = rnd.randrange(len(other))
            b[i:i] = other[j:j + rnd.randrange(1, 12)]
        elif i < len(b):
            b[i] = rnd.randrange(256)
    return bytes(b)


def opcodes(data):
    """Where pickletools sees the opcodes, or None when it gives up."""
    try:
        return [pos for _, _, pos in pickletools.genops(data)]
    except Exception:
        return None


with open(os.path.join(sys.argv[1], "cases"), "w") as out:
    for _ in range(9000):
        data = mutate(rnd.choice(seeds))
        f = io.BytesIO(data)
        u = Recorder(f)
        u.names = []
        try:
            u.load()
            ok, why = True, ""
        except BaseException as e:
            ok, why = False, repr(e)[:200]
        names = [[m.encode("utf8", "replace").hex(), n.encode("utf8", "replace").hex()] for m, n in u.names]
        out.write(json.dumps({"data": data.hex(), "ok": ok, "end": f.tell(), "names": names, "why": why, "ops": opcodes(data)}) + "\n")
