"""Writes what real programs save: torch in both formats, numpy, plain Python in every protocol."""
import argparse, collections, datetime, decimal, io, os, pathlib, pickle, random, sys
import numpy as np
import torch
from torch import nn

out = sys.argv[1]


def put(name, data):
    with open(os.path.join(out, name), "wb") as f:
        f.write(data)


class Net(nn.Module):
    pass


layers = nn.Sequential(
    nn.Conv2d(3, 4, 3, padding=1), nn.BatchNorm2d(4), nn.ReLU(), nn.MaxPool2d(2), nn.Dropout(), nn.Flatten(),
    nn.Linear(4, 2), nn.LayerNorm(2), nn.GELU(), nn.Softmax(dim=1), nn.ModuleList([nn.Linear(1, 1)]),
    nn.Embedding(4, 2), nn.LSTM(2, 3), nn.MultiheadAttention(4, 2), nn.TransformerEncoderLayer(4, 2, 8),
    nn.ModuleDict({"a": nn.Identity()}), nn.Upsample(scale_factor=2), nn.GroupNorm(2, 4), nn.ParameterList([nn.Parameter(torch.ones(1))]))
shared = torch.arange(12.).reshape(3, 4)
opt = torch.optim.Adam(layers.parameters())
opt.zero_grad()
layers[6](torch.ones(1, 4)).sum().backward()
opt.step()
odd = nn.Parameter(torch.ones(2))
odd.note = "an attribute"
objects = {
    "state_dict": layers.state_dict(),
    "module": layers,
    "optimizer": opt.state_dict(),
    "views": {"a": shared, "b": shared[1:], "c": shared.t(), "e": torch.empty(0, 3)},
    "dtypes": [torch.ones(2, dtype=d) for d in (torch.float16, torch.bfloat16, torch.int8, torch.uint8, torch.int16, torch.int64,
                                                torch.bool, torch.complex64, torch.float64)],
    "quantized": torch.quantize_per_tensor(torch.ones(3), 0.1, 0, torch.quint8),
    "sparse": torch.eye(3).to_sparse(), "csr": torch.eye(3).to_sparse_csr(),
    "optimizers": [o(nn.Linear(2, 2).parameters(), lr=0.1) for o in (torch.optim.Adam, torch.optim.AdamW, torch.optim.SGD, torch.optim.RMSprop, torch.optim.Adagrad, torch.optim.LBFGS, torch.optim.Rprop)],
    "misc": {"size": torch.Size([1, 2]), "dtype": torch.float32, "device": torch.device("cpu"), "epoch": 3, "lr": 1e-3, "odd": odd,
             "args": argparse.Namespace(lr=0.1, path="x"), "rng": torch.get_rng_state()},
    "checkpoint": {"model": layers.state_dict(), "rng": np.random.get_state(), "scalar": np.float64(3), "best": np.int64(2)},
}
for name, obj in objects.items():
    for zipped in (True, False):
        b = io.BytesIO()
        torch.save(obj, b, _use_new_zipfile_serialization=zipped)
        put(f"torch_{name}_{'zip' if zipped else 'legacy'}.pt", b.getvalue())
torch.save(torch.ones(3), os.path.join(out, "tensor.pt"))

plain = {
    "containers": [(), [], {}, set(), frozenset([1]), (1,), {"a": [1, {2: (3, 4, 5, 6)}]}, b"", b"x" * 300, bytearray(b"ab"), "é\u1234\\\n", "x" * 70000],
    "numbers": [0, 1, -1, 255, 256, 65536, -2**31, 2**31, 2**63, -2**63, 2**200, -2**200, 1.5, float("inf"), float("-inf"), 1e300, True, False, None, 1 + 2j],
    "collections": [collections.OrderedDict(a=1), collections.defaultdict(list, a=[1]), collections.Counter("aab"), collections.deque([1, 2], 5)],
    "dates": [datetime.datetime(2020, 1, 2, 3, tzinfo=datetime.timezone.utc), datetime.date(2020, 1, 2), datetime.timedelta(3), datetime.time(1, 2)],
    "builtins": [range(3), slice(1, 2), int, dict, Ellipsis, NotImplemented, np.ma.masked, random.Random(1), decimal.Decimal("1.5"), pathlib.PurePosixPath("a/b")],
    "arrays": [np.arange(10), np.ones((2, 3), "f4", order="F"), np.array(["a", None, [1]], dtype=object), np.array(["ab", "c"]), np.array([b"x"]),
               np.float32(1.5), np.bool_(True), np.array(["2020-01-01"], "M8[D]"), np.zeros(2, [("a", "f4"), ("b", "U3")]),
               np.zeros(2, [("a", "f8"), ("o", "O")]), np.zeros(2, np.dtype([("s", "f4", (2, 3))])), np.zeros(2, np.dtype([("a", "u1"), ("b", "f8")], align=True))],
    "namespace": argparse.Namespace(a=1, b="x"),
    "tensor": [torch.ones(2, 3), nn.Parameter(torch.zeros(2)), torch.arange(3)[1:]],
    "layer": nn.Linear(2, 3),
}
for name, obj in plain.items():
    for proto in range(6):
        put(f"{name}_{proto}.pkl", pickle.dumps(obj, proto))
        put(f"{name}_{proto}_python.pkl", pickle._dumps(obj, proto))
