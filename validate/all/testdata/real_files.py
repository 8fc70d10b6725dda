"""Files as the libraries write them: kinds of number, shapes, protocols and options, one file for each combination.

    real_files.py FOLDER
"""
import collections, datetime, decimal, fractions, io, itertools, os, pathlib, pickle, random, sys, uuid, warnings

import h5py, joblib, numpy as np, pandas as pd, scipy.sparse, tables, torch, yaml
from torch import nn

warnings.simplefilter("ignore")
os.chdir(sys.argv[1])
PROTOCOLS = range(6)
count = 0


def name(kind, ext):
    global count
    count += 1
    return "%05d_%s%s" % (count, kind, ext)


def put(kind, ext, data):
    with open(name(kind, ext), "wb") as f:
        f.write(data)


def pickled(kind, value, protocols=PROTOCOLS):
    for protocol in protocols:
        try:
            put("%s_%d" % (kind, protocol), ".pkl", pickle.dumps(value, protocol))
        except TypeError:  # not with this protocol
            pass


def arrays():
    kinds = ["?", "i1", "u1", ">i2", "i4", "u8", "f2", "f4", ">f8", "g", "F", "D", "S3", "U4", ">U4", "M8[s]", "m8[ns]", "V5", [("a", "f4"), ("b", "S2"), ("c", "i2", (2, 3))],
             np.dtype({"names": ["x", "y"], "formats": ["i1", "f8"]}, align=True), [("n", [("q", "f4"), ("r", "u1")])]]
    for kind, shape in itertools.product(kinds, [(), (0,), (3,), (2, 0, 3), (2, 1, 2)]):
        a = np.zeros(shape, kind)
        for order in "CF":
            np.save(name("array", ".npy"), np.array(a, order=order))
        pickled("array", {"a": a, "b": [a, a]})
        joblib.dump({"x": a, "y": (a, 1)}, name("array", ".joblib"))
        np.savez(name("arrays", ".npz"), a=a, b=a)
        np.savez_compressed(name("arrays", ".npz"), a, x=a)
    for value in (np.float32(1), np.bool_(1), np.datetime64("2020-01-01"), np.ma.masked, np.ma.masked_array([1, 2], [0, 1]), np.matrix([[1]]), np.random.RandomState(1), np.random.default_rng(1)):
        pickled("numpy", value)


def compressed():
    big = np.random.rand(60, 50)
    values = [big, {"a": big, "b": big.T, "c": ["x", 1]}, [np.asfortranarray(big), np.array(["a", None], object)], np.ma.masked_array(big, big > .5)]
    for how, value in itertools.product([0, 1, 9, ("zlib", 3), ("gzip", 3), ("bz2", 3), ("lzma", 3), ("xz", 3), ("lz4", 3)], values):
        for protocol in (2, 4, 5):
            joblib.dump(value, name("compressed", ".joblib"), compress=how, protocol=protocol)


def sparse():
    for form in ("csr", "csc", "coo", "bsr", "dia", "lil", "dok"):
        m = scipy.sparse.random(10, 8, .3, format=form)
        pickled("sparse", m)
        joblib.dump(m, name("sparse", ".joblib"))
        if form not in ("lil", "dok"):
            for packed in (True, False):
                scipy.sparse.save_npz(name("sparse", ".npz"), m, compressed=packed)


def values():
    for value in [None, True, 1, -1, 2**70, -2**300, 1.5, float("nan"), 1j, "x", "\u2028\U0001f600\ud800", b"\x00\xff", bytearray(b"ab"), (1,), [1, [2, [3]]], {"a": {1: 2}}, {1, 2}, frozenset("ab"),
                  datetime.datetime.now(), datetime.timedelta(1), datetime.timezone.utc, decimal.Decimal("1.2"), fractions.Fraction(1, 3), collections.OrderedDict(a=1), collections.defaultdict(int, a=1),
                  collections.Counter("aa"), collections.deque([1], maxlen=3), pathlib.PurePosixPath("/a"), uuid.uuid4(), range(5), slice(1, 2), Ellipsis, int, "a" * 70000, list(range(3000)), [()] * 3, random.Random(1)]:
        pickled("value", value)


def tensors():
    for zipped in (True, False):
        save = lambda value: torch.save(value, name("torch", ".pt"), _use_new_zipfile_serialization=zipped)
        for kind, shape in itertools.product([torch.float32, torch.float64, torch.float16, torch.bfloat16, torch.int8, torch.uint8, torch.int64, torch.bool, torch.complex64], [(), (0,), (2, 3)]):
            x = torch.zeros(shape, dtype=kind)
            save({"a": x, "b": x.clone(), "l": [x, x]})
        x = torch.rand(6, 6)
        for value in (x[1:3, ::2], x.t(), torch.ones(1).expand(1000), nn.Parameter(x), x.clone().requires_grad_(), torch.eye(3).to_sparse(), torch.eye(3).to_sparse_csr(), torch.quantize_per_tensor(x, .1, 0, torch.quint8),
                      torch.quantize_per_channel(x, torch.rand(6) + .1, torch.zeros(6), 0, torch.qint8), x.shape, torch.float16, torch.device("cuda:0"), x.storage(), torch.get_rng_state(), torch.view_as_complex(torch.rand(2, 2)).conj()):
            save({"value": value})
        for module in (nn.Linear(2, 2), nn.Conv2d(1, 2, 3), nn.LSTM(2, 2, 2, bidirectional=True), nn.GRU(2, 2), nn.TransformerEncoderLayer(4, 2), nn.MultiheadAttention(4, 2), nn.Embedding(4, 2), nn.BatchNorm2d(2),
                       nn.Sequential(nn.Linear(2, 2), nn.ReLU(), nn.Dropout(), nn.GELU(), nn.Softmax(-1)), nn.ModuleDict({"a": nn.Linear(1, 1)}), nn.ParameterList([nn.Parameter(torch.zeros(1))]), nn.Transformer(4, 2, 1, 1, 8)):
            save(module.state_dict())
            save(module)
    optim = torch.optim
    for make in (optim.Adam, optim.SGD, optim.AdamW, optim.RMSprop, optim.Adagrad, optim.Adamax, optim.NAdam, optim.RAdam, optim.LBFGS, optim.ASGD, optim.Adadelta, optim.Rprop):
        module = nn.Linear(2, 2)
        o = make(module.parameters(), lr=.1)

        def closure():
            o.zero_grad()
            loss = module(torch.ones(1, 2)).sum()
            loss.backward()
            return loss
        o.step(closure)
        torch.save({"optimizer": o.state_dict(), "model": module.state_dict()}, name("optimizer", ".ckpt"))
        torch.save(o, name("optimizer", ".pt"))


class Loop(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(3, 3)

    def forward(self, x, n: int = 2):
        for _ in range(n):
            x = torch.relu(self.layer(x)) * 0.5
        return x


def scripts():
    for module in (Loop(), nn.LSTM(3, 3), nn.TransformerEncoderLayer(4, 2), nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.MaxPool2d(2)), nn.MultiheadAttention(4, 2)):
        script = torch.jit.script(module.eval())
        script.save(name("script", ".pt"))
        script._save_for_lite_interpreter(name("script", ".ptl"))


def frames():
    df = pd.DataFrame({"a": [1, 2], "b": ["x", None], "c": pd.to_datetime(["2020", "2021"]), "d": pd.Categorical(["u", "v"]), "f": pd.array([1, None], dtype="Int64"), "g": [[1], [2]],
                       "h": pd.to_timedelta([1, 2]), "s": pd.array(["x", None], dtype="string"), "tz": pd.to_datetime(["2020", "2021"]).tz_localize("UTC")})
    for value in (df, df.a, df.index, df.set_index(["a", "b"]), pd.DataFrame(), pd.Timestamp("2020"), pd.NaT, pd.Interval(0, 1), pd.interval_range(0, 3), pd.period_range("2020", periods=3), df.groupby("a").size(), df.T):
        pickled("frame", value)
    for how, ext in ((None, ""), ("gzip", ".gz"), ("bz2", ".bz2"), ("xz", ".xz"), ("zip", ".zip")):
        df.to_pickle(name("frame", ".pkl" + ext), compression=how)
    for form in ("fixed", "table"):
        df[["a", "b"]].to_hdf(name("frame", ".h5"), "df", format=form, complevel=5)


def hdf5():
    options = [{}, {"chunks": True}, {"compression": "gzip"}, {"compression": "lzf"}, {"shuffle": True, "compression": "gzip", "fletcher32": True}, {"maxshape": (None, None), "chunks": (2, 2)}]
    for version, option, kind in itertools.product(["earliest", "latest", "v108", "v110"], options, ["f4", ">f8", "?", "S4", "c8"]):
        with h5py.File(name("data", ".h5"), "w", libver=version if version == "latest" else (version, "latest")) as f:
            f.create_dataset("g/x", data=np.zeros((5, 4), kind), **option)
            f.attrs["a"], f.attrs["b"], f["g"].attrs["names"] = "text", [1, 2], np.array([b"a", b"bb"])
    for option in ({}, {"libver": "latest", "track_order": True}):
        with h5py.File(name("many", ".h5"), "w", **option) as f:
            for i in range(300):
                f.create_dataset("layer%d/kernel:0" % i, data=np.zeros(i % 7, "f4"))
                f.attrs["a%d" % i] = i
    with h5py.File(name("odd", ".h5"), "w") as f:
        f["s"], f["v"], f["soft"] = "str", np.array(["a", "bb"], dtype=h5py.string_dtype()), h5py.SoftLink("/s")
        f["hard"] = f["s"]
        f.create_dataset("vl", (3,), dtype=h5py.vlen_dtype("i4"))[0] = [1, 2]
        f.create_dataset("en", data=np.zeros(2, "i1"), dtype=h5py.enum_dtype({"A": 0, "B": 1}))
        f.create_dataset("comp", data=np.zeros(2, [("a", "f4"), ("b", "S3")]))
        f.create_dataset("fill", (10, 10), fillvalue=3.)
        del f["fill"]
    with tables.open_file(name("tables", ".h5"), "w") as h:
        h.create_array("/", "a", np.arange(3))
        h.create_carray("/", "c", obj=np.zeros((4, 4)), filters=tables.Filters(complevel=5, complib="zlib"))
        h.create_vlarray("/", "v", tables.Int32Atom()).append([1, 2])
        h.create_table("/", "t", np.zeros(3, [("x", "f4"), ("y", "S3")])).cols.x.create_index()
        h.root._v_attrs.d, h.root._v_attrs.np, h.root._v_attrs.t = {"a": 1}, np.zeros(3), (1, "x")


def texts():
    for value in ({"a": 1, "b": [1, 2.5, None, True]}, {"x": {"y": "z: 1"}}, [1], {"s": "multi\nline", "d": datetime.date(2020, 1, 1)}, {"u": "\U0001f642"}):
        for option in ({}, {"default_flow_style": True}, {"default_style": '"'}, {"explicit_start": True, "explicit_end": True}):
            put("text", ".yaml", yaml.safe_dump(value, **option).encode())


for write in (arrays, compressed, sparse, values, tensors, scripts, frames, hdf5, texts):
    write()
