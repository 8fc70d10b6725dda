# Writes the tree of each file named on standard input as a canonical text, for the differential test.
# One record per file: the name, and either "!" with the error or the text's SHA-256; with -v the text too. With -t
# there are no positions, which differ between versions.
import ast, hashlib, struct, sys, warnings

warnings.simplefilter("ignore")
if hasattr(sys, "set_int_max_str_digits"):
    sys.set_int_max_str_digits(0)
sys.setrecursionlimit(20000)
# Not written when empty, because older versions lack them.
OPTIONAL = {"type_params", "default_value"}
NEUTRAL = {"ctx", "kind", "type_comment", "type_ignores"}


def text(s):
    return s.encode("utf-8", "surrogatepass").hex()


def constant(v):
    t = type(v)
    if t is str:
        return "str:" + text(v)
    if t is bytes:
        return "bytes:" + v.hex()
    if t is int:
        return "int:%x" % v
    if t is float:
        return "float:" + struct.pack(">d", v).hex()
    if t is complex:
        return "complex:" + struct.pack(">d", v.imag).hex()
    return repr(v)


def dump(n, out, inside):
    if isinstance(n, list):
        out.append("[")
        for x in n:
            if inside and isinstance(x, ast.Constant) and x.value == "":
                continue  # 3.12.1 leaves some in f-strings
            dump(x, out, inside)
        out.append("]")
    elif n is None:
        out.append("-")
    elif type(n).__name__ == "Index":  # until 3.8
        dump(n.value, out, inside)
    elif type(n).__name__ == "ExtSlice":
        out.append("(Tuple Load")
        dump(n.dims, out, inside)
        out.append(")")
    elif isinstance(n, ast.Constant):
        out.append("(Constant%s %s%s)" % (place(n, inside), "u" if n.kind else "", constant(n.value)))
    elif isinstance(n, ast.AST):
        name = type(n).__name__
        out.append("(" + name + place(n, inside))
        if hasattr(n, "ctx"):
            out.append(type(n.ctx).__name__)
        inner = inside or name == "JoinedStr"
        for f in n._fields:
            if f not in NEUTRAL and not (f in OPTIONAL and not getattr(n, f)):
                dump(getattr(n, f, None), out, inner)
        out.append(")")
    elif isinstance(n, str):
        out.append("'" + text(n))
    elif n is Ellipsis or isinstance(n, (bool, int)):
        out.append(repr(n))
    else:
        out.append("?" + repr(n))


def place(n, inside):
    if inside or "-t" in sys.argv or not hasattr(n, "lineno"):
        return ""
    return "@%d:%d-%d:%d" % (n.lineno, n.col_offset, n.end_lineno, n.end_col_offset)


for name in sys.stdin.read().split("\n"):
    if not name:
        continue
    try:
        with open(name, "rb") as f:
            tree = ast.parse(f.read())
        out = []
        dump(tree, out, False)
        out = " ".join(out)
        print(name, hashlib.sha256(out.encode()).hexdigest(), sep="\t")
        if "-v" in sys.argv:
            print(out)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as e:
        print(name, "!" + type(e).__name__ + ": " + str(e).replace("\n", " "), sep="\t")
