from typing import Optional

import torch
from torch.library import custom_op, impl


@torch.library.custom_op("tiny::scale", mutates_args=())
def scale(x: torch.Tensor, s: float) -> torch.Tensor:
    return x * s


@scale.register_fake
def _(x, s):
    return torch.empty_like(x)


torch.backends.cuda.matmul.allow_tf32 = True
torch.backends.cudnn.benchmark = True
torch._dynamo.config.suppress_errors = True
torch.set_float32_matmul_precision("high")
y = torch.ops.aten.add.Tensor(torch.ones(1), 1)
