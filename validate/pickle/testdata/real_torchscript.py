"""Saves a scripted and a traced module, and writes the pickles of the archives as files."""
import io, os, sys, warnings, zipfile
from typing import List, Optional, Tuple
import torch
from torch import nn

warnings.simplefilter("ignore")
out = sys.argv[1]


class Net(nn.Module):
    sizes: List[int]
    factors: List[float]

    def __init__(self):
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(2, 3), nn.ReLU(), nn.LSTM(3, 4))
        self.sizes, self.factors, self.names = [1, 2], [1.5, 2.5], {"a": 1}
        self.pair: Tuple[int, str] = (1, "x")
        self.maybe: Optional[int] = None
        self.register_buffer("b", torch.ones(3))

    def forward(self, x):
        return self.layers[0](x) * self.factors[0] + self.sizes[0] + torch.ones(3)


for name, module in (("scripted", torch.jit.script(Net())), ("traced", torch.jit.trace(nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU()), torch.ones(1, 3, 8, 8)))):
    b = io.BytesIO()
    torch.jit.save(module, b)
    with zipfile.ZipFile(b) as z:
        for member in z.namelist():
            if "pkl" in member:
                with open(os.path.join(out, name + "!" + member.replace("/", "!")), "wb") as f:
                    f.write(z.read(member))
