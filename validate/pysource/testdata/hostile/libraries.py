"""Gadgets of trusted libraries."""
import numpy as np
import pandas as pd
import sympy
import timeit
import torch
import transformers
from transformers import AutoModel, AutoTokenizer, pipeline
from transformers.dynamic_module_utils import get_class_from_dynamic_module  # want "pysource/execution"
from torch.utils.collect_env import run  # want "pysource/process"
import keras
import tensorflow as tf

AutoModel.from_pretrained("a/b", trust_remote_code=True)  # want "pysource/execution"
pipeline("text-generation", model="a/b", **dict(trust_remote_code=True))  # want "pysource/execution"
get_class_from_dynamic_module("a.B", "c/d")  # want "pysource/execution"
run("true")  # want "pysource/process"
torch.utils.collect_env.run("true")  # want "pysource/process"
pd.eval("@x")  # want "pysource/execution"
df = pd.DataFrame()
df.query("@pd.io.common.os.system('true')")  # want "pysource/execution"
np.testing.rundocs("x.py")  # want "pysource/execution"
timeit.timeit("1")  # want "pysource/execution"
sympy.sympify("1")  # want "pysource/execution"
torch.fx.graph_module._exec_with_source("1", {})  # want "pysource/execution"
torch.distributed.rpc.rpc_sync("x", print)  # want "pysource/network"
keras.config.enable_unsafe_deserialization()  # want "pysource/deserialisation"
keras.models.load_model("x", safe_mode=False)  # want "pysource/deserialisation"
tf.keras.utils.get_file("x", "http://x")  # want "pysource/network"
getattr(torch, input())("x")  # want "pysource/computed-name"
torch._inductor.codecache.PyCodeCache.load("1")  # want "pysource/native-code"
torch.jit.CompilationUnit("def f(): pass")  # want "pysource/unsettled"
