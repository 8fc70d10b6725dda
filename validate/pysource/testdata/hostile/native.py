"""Native code."""
import ctypes
import cffi
import numpy as np
import torch
from ctypes import CDLL, cdll  # want "pysource/native-code"
from torch.utils.cpp_extension import load_inline  # want "pysource/native-code"
import tensorflow as tf

ctypes.CDLL("libc.so.6").system(b"true")  # want "pysource/native-code"
ctypes.cdll.LoadLibrary("x.so")  # want "pysource/native-code"
ctypes.pythonapi.PyRun_SimpleString(b"1")  # want "pysource/native-code"
CDLL(None).system(b"true")  # want "pysource/native-code"
cffi.FFI().dlopen(None)  # want "pysource/native-code"
torch.ops.load_library("x.so")  # want "pysource/native-code"
torch.classes.load_library("x.so")  # want "pysource/native-code"
load_inline("x", "int main;")  # want "pysource/native-code"
np.ctypeslib.load_library("x", ".")  # want "pysource/native-code"
np.f2py.compile("x")  # want "pysource/native-code"
tf.load_op_library("x.so")  # want "pysource/native-code"
