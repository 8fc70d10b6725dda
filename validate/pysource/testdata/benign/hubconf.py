dependencies = ["torch"]
import os

import torch



def tiny(pretrained=False, **kwargs):
    """A small network; pretrained loads the file beside this one."""
    net = torch.nn.Sequential(torch.nn.Linear(2, 2, **kwargs))
    if pretrained:
        path = os.path.join(os.path.dirname(__file__), "weights", "tiny.pt")
        net.load_state_dict(torch.load(path, map_location="cpu", weights_only=True))
    return net
