"""Reads arrays from a file that the caller names."""
import mmap
import os
import struct
from enum import IntEnum

import numpy as np


class Kind(IntEnum):
    F32 = 0
    Q8_0 = 8


READERS = {Kind.F32: lambda b: np.frombuffer(b, dtype=np.float32), Kind.Q8_0: lambda b: np.frombuffer(b, dtype=np.int8)}


def read(path, kind, offset, size):
    with open(path, "rb") as f:
        f.seek(offset)
        magic, = struct.unpack("<I", f.read(4))
        if magic != int.from_bytes(b"GGUF", "little"):
            raise ValueError(hex(magic))
        return READERS[Kind(kind)](f.read(min(size, os.path.getsize(path) - offset)))
