import functools
import re

import torch
from torch import Tensor, nn


@torch.jit.script
def gelu(x: Tensor) -> Tensor:
    return 0.5 * x * (1.0 + torch.tanh(0.79788456 * x * (1 + 0.044715 * x * x)))


gelu_fwd = torch.compile(gelu, dynamic=True)
PATTERN = re.compile(r"eval\((.*)\)|exec|os\.system")


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.compile = functools.partial(torch.compile, mode="reduce-overhead")
        self.system = "prompt"
        self.run = self.forward

    @torch.compiler.disable
    @functools.wraps(gelu)
    def forward(self, x):
        self.eval()
        return self.compile(gelu)(x)

    def exec_module_list(self):
        return [m for m in self.children()]


net = Net()
net.eval()
net.train(False)
