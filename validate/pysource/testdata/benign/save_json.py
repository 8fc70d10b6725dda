import json
import os
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file

HERE = os.path.dirname(os.path.abspath(__file__))
with open(os.path.join(HERE, "labels.json"), encoding="utf-8") as f:
    LABELS = json.load(f)
with open(Path(__file__).parent / "vocab.txt") as f:
    VOCAB = [line.rstrip("\n") for line in f]


class Saver:
    def save_pretrained(self, save_directory, state):
        os.makedirs(save_directory, exist_ok=True)
        with open(os.path.join(save_directory, "config.json"), "w") as f:
            json.dump(self.config, f, indent=2, sort_keys=True)
        save_file(state, os.path.join(save_directory, "model.safetensors"))
        torch.save(state, os.path.join(save_directory, "pytorch_model.bin"))
        path = Path(save_directory)
        path.mkdir(parents=True, exist_ok=True)
        (path / "merges.txt").write_text("\n".join(self.merges))

    def load(self, directory):
        return load_file(os.path.join(directory, "model.safetensors"))
