"""Writes a few hundred random pickles that the pickler of this Python makes, in every protocol."""
import collections, datetime, fractions, os, pickle, random, sys

rnd = random.Random(20240229)


class Thing:
    def __init__(self, **kw):
        self.__dict__.update(kw)


class Slots:
    __slots__ = ("a", "b")


class Sub(dict):
    pass


def text():
    return "".join(rnd.choice("ab\\\n\r\0'\" é\u2028\U0001f600\x1a\ud800") for _ in range(rnd.choice((0, 1, 5, 300))))


def leaf():
    return rnd.choice((
        lambda: rnd.randrange(-300, 300), lambda: rnd.getrandbits(rnd.choice((8, 31, 32, 63, 64, 200, 3000))) * rnd.choice((1, -1)),
        lambda: rnd.random() * 10.0 ** rnd.randrange(-300, 300), lambda: float("nan"), text, lambda: text().encode("utf8", "surrogatepass"),
        lambda: bytearray(text().encode("utf8", "surrogatepass")), lambda: None, lambda: True, lambda: False, lambda: 2j,
        lambda: datetime.datetime(2000, 1, 1), lambda: fractions.Fraction(1, 3), lambda: len, lambda: Thing, lambda: Ellipsis,
        lambda: b"z" * 70000))()


def tree(depth, seen):
    if depth == 0 or rnd.random() < 0.2:
        return leaf()
    if seen and rnd.random() < 0.1:
        return rnd.choice(seen)
    n = rnd.choice((0, 1, 2, 3, 4, 12))
    kind = rnd.randrange(9)
    if kind == 0:
        v = []
        seen.append(v)
        v.extend(tree(depth - 1, seen) for _ in range(n))
    elif kind == 1:
        v = {}
        seen.append(v)
        v.update((text(), tree(depth - 1, seen)) for _ in range(n))
    elif kind == 2:
        v = tuple(tree(depth - 1, seen) for _ in range(n))
    elif kind == 3:
        v = {text() for _ in range(n)}
    elif kind == 4:
        v = frozenset(text() for _ in range(n))
    elif kind == 5:
        v = Thing(a=tree(depth - 1, seen), b=leaf())
    elif kind == 6:
        v = collections.OrderedDict((text(), tree(depth - 1, seen)) for _ in range(n))
    elif kind == 7:
        v = Sub(a=tree(depth - 1, seen))
    else:
        v = list(range(2500))
    return v


for i in range(80):
    obj = tree(5, [])
    for proto in range(6):
        for kind, dumps in (("c", pickle.dumps), ("py", pickle._dumps)):
            with open(os.path.join(sys.argv[1], f"{i}_{proto}_{kind}"), "wb") as f:
                f.write(dumps(obj, proto))
s = Slots()
s.a, s.b = 1, 2
for proto in range(2, 6):
    with open(os.path.join(sys.argv[1], f"slots_{proto}"), "wb") as f:
        f.write(pickle.dumps(s, proto))
