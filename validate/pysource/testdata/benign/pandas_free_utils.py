import gzip
import hashlib
import io
import struct
import tempfile
import zlib

import torch


def digest(t: torch.Tensor) -> str:
    return hashlib.sha256(t.numpy().tobytes()).hexdigest()


def pack(values):
    return zlib.compress(struct.pack(f"<{len(values)}f", *values))


def unpack(data):
    raw = zlib.decompress(data)
    return struct.unpack(f"<{len(raw) // 4}f", raw)


def roundtrip(state):
    buffer = io.BytesIO()
    torch.save(state, buffer)
    buffer.seek(0)
    return torch.load(buffer, weights_only=True)


def lines(path):
    with gzip.open(path, "rt", encoding="utf-8") as f:
        yield from f
    with tempfile.TemporaryDirectory() as d:
        yield d
