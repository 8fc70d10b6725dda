"""Dangerous modules through harmless ones."""
import json
import logging
import random
import numpy as np
import torch
import transformers
import enum
import tokenize
from torch.serialization import os as o
from transformers.utils import os as oo
import torch.hub as hub

torch.serialization.os.system("true")  # want "pysource/process"
logging.os.popen("true")  # want "pysource/process"
transformers.utils.os.system("true")  # want "pysource/process"
np.ctypeslib.ctypes.CDLL("x.so")  # want "pysource/native-code"
random._os.system("true")  # want "pysource/process"
o.system("true")  # want "pysource/process"
oo.system("true")  # want "pysource/process"
json.codecs.builtins.eval("1")  # want "pysource/execution"
enum.bltns.eval("1")  # want "pysource/execution"
torch.utils.data.dataloader.multiprocessing.connection.Client("x")  # want "pysource/network"
torch._utils.sys.modules["os"].system("true")  # want "pysource/process"
hub.urlopen("http://x")  # want "pysource/network"
torch.package.importer.importlib.import_module("os").system("true")  # want "pysource/process"
tokenize._builtin_open("/etc/passwd")  # want "pysource/file-read" "pysource/environment"
logging.sys.modules["subprocess"].run("true")  # want "pysource/process"
