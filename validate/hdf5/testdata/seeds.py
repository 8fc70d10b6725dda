"""Writes small files with the structures of the HDF5 library, for the fuzzer to start from."""
import os, sys
import h5py
import numpy as np

out = sys.argv[1]


def write(name, fill, **how):
    with h5py.File(os.path.join(out, name), "w", **how) as f:
        fill(f)


def old(f):
    f["a/b"] = np.arange(3)
    f["s"] = h5py.SoftLink("/a")
    f["a"].attrs["t"] = "text"
    f.create_dataset("c", data=np.arange(9), chunks=(3,), compression="gzip")


def dense(f):
    for i in range(12):
        f.attrs[f"a{i}"] = i
        f.create_group(f"g{i}")


def chunks(f):
    f.create_dataset("e", data=np.arange(30), chunks=(2,), maxshape=(None,))
    f.create_dataset("f", data=np.arange(30), chunks=(2,))
    f.create_dataset("b", data=np.zeros((4, 4)), chunks=(2, 2), maxshape=(None, None))
    f.create_dataset("s", data=np.zeros(4), chunks=(4,))


def vlen(f): f["v"] = ["a", "bb"]


for name, fill in {"old": old, "dense": dense, "chunks": chunks, "vlen": vlen}.items():
    write(name, fill)
    write(name + "_latest", fill, libver="latest", track_order=True)
