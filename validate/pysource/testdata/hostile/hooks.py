"""Code that runs later, or in the place of other code."""
import atexit
import builtins
import json
import pickle
import signal
import sys
import threading
import torch
import transformers
import safetensors.torch
import warnings

atexit.register(print)  # want "pysource/import-machinery"
signal.signal(15, print)  # want "pysource/import-machinery"
sys.meta_path.insert(0, object())  # want "pysource/import-machinery"
sys.path_hooks.append(print)  # want "pysource/import-machinery"
sys.excepthook = print  # want "pysource/monkey-patch"
threading.excepthook = print  # want "pysource/monkey-patch"
builtins.open = print  # want "pysource/monkey-patch"
builtins.__dict__["open"] = print  # want "pysource/monkey-patch"
setattr(builtins, "__import__", print)  # want "pysource/monkey-patch"
torch.load = lambda *a, **k: None  # want "pysource/monkey-patch"
torch.nn.Module.__call__ = print  # want "pysource/monkey-patch"
torch.nn.Module.load_state_dict = print  # want "pysource/monkey-patch"
transformers.PreTrainedModel.from_pretrained = print  # want "pysource/monkey-patch"
safetensors.torch.load_file = print  # want "pysource/monkey-patch"
json.loads = print  # want "pysource/monkey-patch"
pickle.Unpickler.find_class = print  # want "pysource/monkey-patch"
sys.modules["safetensors"] = object()  # want "pysource/import-machinery"
setattr(torch, "sa" + "ve", print)  # want "pysource/monkey-patch"
vars(torch).update(load=print)  # want "pysource/library-changed"
torch.nn.Linear.reset_parameters = print  # want "pysource/library-changed"
sys.path.insert(0, "/tmp")  # want "pysource/unsettled"
