"""Writes TorchScript archives with most of what the printer can print."""
import os, sys
import torch
from torch import nn
from typing import Dict, List, NamedTuple, Optional, Tuple
from enum import Enum

os.chdir(sys.argv[1])


@torch.jit.interface
class Op(nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        pass


class Impl(nn.Module):
    def __init__(self):
        super().__init__()
        self.l = nn.Linear(2, 2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.l(x)


class Color(Enum):
    RED = 1
    BLUE = 2


class Point(NamedTuple):
    x: int
    y: torch.Tensor


@torch.jit.script
class Pair(object):
    def __init__(self, a: int, b: torch.Tensor):
        self.a = a
        self.b = b

    def get(self) -> int:
        return self.a


def helper(x: torch.Tensor, k: int = 2) -> torch.Tensor:
    return x * k


class Net(nn.Module):
    op: Op
    __constants__ = ["k"]

    def __init__(self):
        super().__init__()
        self.op = Impl()
        self.k = 3
        self.d = {"a": 1}
        self.lst = [1.5, 2.0]
        self.text = "reads like torch.save('/etc/passwd')"
        self.emb = nn.Embedding(4, 2)
        self.lstm = nn.LSTM(2, 2)
        self.conv = nn.Sequential(nn.Conv2d(1, 1, 1), nn.BatchNorm2d(1), nn.ReLU(), nn.Upsample(scale_factor=2.0))
        self.attn = nn.MultiheadAttention(2, 1)
        self.register_buffer("buf", torch.ones(2))

    @torch.jit.export
    def paint(self, c: Color) -> bool:
        return c == Color.RED

    def forward(self, x, y: Optional[int] = None, z: Optional[List[int]] = None):
        s = torch.zeros(2)
        for i in range(self.k):
            s = s + self.op(x)
            if y is not None:
                s = s * y
            else:
                raise RuntimeError("bad {}".format(i))
        j = 0
        while j < 3 and bool(s.sum() > 0):
            j += 1
        p = Pair(3, s)
        q: Dict[str, torch.Tensor] = {"s": s}
        u = torch.tensor([1.0, float("inf")])
        print(p.get(), "x\n'\"\\torch.save #")
        assert y is None, "msg"
        o, cell = self.lstm(s.view(1, 1, 2))
        a, _ = self.attn(o, o, o)
        f = torch.jit.fork(helper, s, 3)
        pt = Point(1, s)
        return (p.get(), q, u, 1.0e-5, (o,), torch.device("cpu"), str(y), len(q), s.device, x.to(torch.float16), self.text, self.lst,
                s[1:, None], cell, torch.jit.wait(f), [t for t in self.lst], pt, self.conv(x.view(1, 1, 1, 2)), sorted(self.lst), a,
                "abc".upper().split("B"), -1, not s.is_cuda, s.tolist() if False else [1.0])


Net.__module__ = "__main__"
script = '''
def forward(self, x):
    return x
'''
try:
    net = torch.jit.script(Net())
except Exception as e:
    net = None
    print(e, file=sys.stderr)
    raise
net.save("script.pt", _extra_files={"info.txt": "text"})
torch.jit.script(Impl())._save_for_lite_interpreter("lite.ptl")
deep = nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.GELU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(2, 2), nn.Softmax(dim=1))
torch.jit.trace(deep.eval(), torch.zeros(1, 1, 5, 5)).save("trace.pt")
torch.jit.freeze(torch.jit.script(deep.eval())).save("frozen.pt")
torch.jit.trace(nn.TransformerEncoderLayer(4, 2).eval(), torch.zeros(3, 1, 4)).save("transformer.pt")
quant = torch.quantization.quantize_dynamic(nn.Sequential(nn.Linear(2, 2), nn.ReLU()), {nn.Linear}, dtype=torch.qint8)
torch.jit.script(quant).save("quantized.pt")
torch.jit.script(nn.GRU(2, 2)).save("gru.pt")
torch.jit.save(torch.jit.script(helper), "function.pt")
