import operator
from functools import reduce
from itertools import chain, repeat

import torch
import torch.distributed as dist
import torch.nn as nn
from einops import einsum, rearrange, repeat as erepeat
from torch.utils.checkpoint import checkpoint


class MoEGate(nn.Module):
    def __init__(self, config):
        super().__init__()
        self.top_k = config.num_experts_per_tok
        self.weight = nn.Parameter(torch.empty((config.n_routed_experts, config.hidden_size)))
        self.numel = reduce(operator.mul, self.weight.shape, 1)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        import torch.nn.init as init
        init.kaiming_uniform_(self.weight, a=5**0.5)

    def forward(self, hidden_states):
        logits = nn.functional.linear(hidden_states.type(torch.float32), self.weight.type(torch.float32), None)
        scores = logits.softmax(dim=-1, dtype=torch.float32)
        topk_weight, topk_idx = torch.topk(scores, k=self.top_k, dim=-1, sorted=False)
        if self.training:
            aux = sum(chain(repeat(0.0, 2), [scores.sum()]))
            dist.all_reduce(aux)
        return topk_idx, topk_weight


class AddAuxiliaryLoss(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, loss):
        assert loss.numel() == 1
        ctx.dtype = loss.dtype
        return x
