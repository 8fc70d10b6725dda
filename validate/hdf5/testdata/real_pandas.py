"""Writes HDF5 files as pandas does through PyTables, and files in which PyTables would unpickle a call."""
import os, sys
import numpy as np
import pandas as pd
import tables

out = sys.argv[1]


def path(name): return os.path.join(out, name)


df = pd.DataFrame({"a": np.arange(50), "b": np.arange(50) / 7, "c": [f"x{i}" for i in range(50)], "d": pd.date_range("2020-01-01", periods=50)})
df.to_hdf(path("fixed.h5"), "df")
df.to_hdf(path("table.h5"), "df", format="table", data_columns=["a"])
df.to_hdf(path("compressed.h5"), "df", format="table", complevel=5, complib="zlib")
df.to_hdf(path("blosc.h5"), "df", format="table", complevel=5, complib="blosc")
pd.Series([1.0, 2, 3]).to_hdf(path("series.h5"), "s")
df.assign(c=df.c.astype("category")).to_hdf(path("category.h5"), "df", format="table")
df.set_index(["a", "c"]).to_hdf(path("index.h5"), "df", format="table")


class Evil:
    def __reduce__(self):
        return os.system, ("true",)


with tables.open_file(path("evil_attribute.h5"), "w") as f:
    f.root._v_attrs.payload = Evil()
with tables.open_file(path("evil_object.h5"), "w") as f:
    f.create_vlarray("/", "objects", tables.ObjectAtom()).append(Evil())
with tables.open_file(path("evil_deflated.h5"), "w") as f:
    import pickle
    data = np.frombuffer(pickle.dumps(Evil()) + b" " * 1000, "u1")
    f.create_carray("/", "objects", obj=data, filters=tables.Filters(complevel=5, complib="zlib", shuffle=True))
with tables.open_file(path("images.h5"), "w") as f:
    f.create_carray("/", "images", obj=np.arange(90000, dtype="u1").reshape(300, 300), filters=tables.Filters(complevel=5, complib="zlib", shuffle=True))
