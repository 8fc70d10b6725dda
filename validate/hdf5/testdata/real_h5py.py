"""Writes HDF5 files as Keras and h5py programs do, and beside each the list of its objects as h5py sees them."""
import json, os, sys
import h5py
import numpy as np

out = sys.argv[1]
rng = np.random.default_rng(1)

MODEL = {"class_name": "Sequential", "config": {"name": "sequential", "layers": [
    {"class_name": "InputLayer", "config": {"batch_input_shape": [None, 8], "dtype": "float32", "sparse": False, "ragged": False, "name": "dense_input"}},
    {"class_name": "Dense", "config": {"name": "dense", "trainable": True, "dtype": "float32", "units": 16, "activation": "relu", "use_bias": True,
        "kernel_initializer": {"class_name": "GlorotUniform", "config": {"seed": None}}, "bias_initializer": {"class_name": "Zeros", "config": {}},
        "kernel_regularizer": None, "bias_regularizer": None, "activity_regularizer": None, "kernel_constraint": None, "bias_constraint": None}}]}}
TRAINING = {"loss": "categorical_crossentropy", "metrics": ["accuracy"], "weighted_metrics": None, "loss_weights": None,
    "optimizer_config": {"class_name": "Adam", "config": {"name": "Adam", "learning_rate": 0.001, "decay": 0.0, "beta_1": 0.9, "beta_2": 0.999, "epsilon": 1e-07, "amsgrad": False}}}


def weights(group, layers):
    group.attrs["layer_names"] = [l.encode() for l in layers]
    group.attrs["backend"] = b"tensorflow"
    group.attrs["keras_version"] = b"2.11.0"
    for l in layers:
        g = group.create_group(l)
        names = [f"{l}/kernel:0", f"{l}/bias:0"]
        g.attrs["weight_names"] = [n.encode() for n in names]
        g.create_dataset(names[0], data=rng.random((8, 16), dtype="f4"))
        g.create_dataset(names[1], data=np.zeros(16, "f4"))


def keras2(f, layers=("dense", "dense_1")):
    f.attrs["keras_version"] = b"2.11.0"
    f.attrs["backend"] = b"tensorflow"
    f.attrs["model_config"] = json.dumps(MODEL).encode()
    f.attrs["training_config"] = json.dumps(TRAINING).encode()
    weights(f.create_group("model_weights"), layers)
    o = f.create_group("optimizer_weights")
    o.attrs["weight_names"] = [b"Adam/iter:0", b"Adam/dense/kernel/m:0"]
    o.create_dataset("Adam/iter:0", data=np.int64(3))
    o.create_dataset("Adam/dense/kernel/m:0", data=rng.random((8, 16), dtype="f4"))


def keras2_fixed(f):
    keras2(f)
    f.attrs["model_config"] = np.bytes_(json.dumps(MODEL))


def keras2_many(f): keras2(f, [f"block{i}_conv_with_a_long_name" for i in range(300)])


def keras2_huge(f):
    keras2(f)
    big = json.loads(json.dumps(MODEL))
    big["config"]["layers"] += [dict(MODEL["config"]["layers"][1], config=dict(MODEL["config"]["layers"][1]["config"], name=f"dense_{i}")) for i in range(400)]
    f.attrs["model_config"] = json.dumps(big).encode()


def keras3_weights(f):
    for i in range(12):
        v = f.create_group(f"layers/dense_{i}/vars")
        v.create_dataset("0", data=rng.random((16, 16), dtype="f4"))
        v.create_dataset("1", data=np.zeros(16, "f4"))
        f[f"layers/dense_{i}"].attrs["name"] = f"dense_{i}"
    for i in range(26):
        f.create_dataset(f"optimizer/vars/{i}", data=np.zeros((4, i), "f4"))
    f.create_group("vars")
    f.create_dataset("metrics/b/vars/0", data=np.float16(2))


def everything(f):
    f.create_dataset("gzip", data=rng.random((200, 30)), chunks=(10, 7), compression="gzip", shuffle=True, fletcher32=True)
    f.create_dataset("lzf", data=np.arange(5000), chunks=(64,), compression="lzf")
    f.create_dataset("grow", data=np.arange(3000.0), chunks=(5,), maxshape=(None,))
    f.create_dataset("grow2", data=np.zeros((70, 70)), chunks=(3, 3), maxshape=(None, None))
    f.create_dataset("growz", data=np.zeros((70, 70)), chunks=(3, 3), maxshape=(None, None), compression="gzip")
    f.create_dataset("growlz", data=np.arange(30000), chunks=(2,), maxshape=(None,), compression="gzip")
    f.create_dataset("single", data=np.zeros((7, 7)), chunks=(7, 7))
    f.create_dataset("singlez", data=np.zeros((7, 7)), chunks=(7, 7), compression="gzip")
    f.create_dataset("fixed", data=np.arange(9000), chunks=(4,))
    f.create_dataset("never", shape=(1000,), dtype="f8")
    f.create_dataset("neverc", shape=(1000,), dtype="f8", chunks=(10,))
    f.create_dataset("text", data=["a", "bb", "zażółć – end.", "Some text. c\n"] * 40, dtype=h5py.string_dtype())
    f.create_dataset("texts", data=np.array([b"one", b"two"]))
    f.create_dataset("images", data=rng.integers(0, 256, (20, 32, 32, 3), dtype="u1"))
    f.create_dataset("vlen", (3,), dtype=h5py.vlen_dtype("i4"))
    f["vlen"][0] = [1, 2, 3]
    f["vlen"][2] = list(range(2000))
    t = np.dtype([("a", "f4"), ("b", "i8"), ("c", "S5"), ("d", [("x", "u1"), ("y", "f8", (3,))])])
    f.create_dataset("compound", data=np.zeros(5, t))
    f["named"] = t
    f.create_dataset("uses_named", (4,), dtype=f["named"])
    f["compound"].attrs.create("typed", np.zeros(2, t), dtype=f["named"])
    f.create_dataset("enum", data=np.zeros(3, "i4"), dtype=h5py.enum_dtype({"R": 0, "G": 1}, basetype="i4"))
    f.create_dataset("bool", data=np.array([True, False]))
    f.create_dataset("complex", data=np.zeros(3, "c16"))
    f.create_dataset("half", data=np.zeros(3, "f2"))
    f.create_dataset("empty", data=h5py.Empty("f4"))
    f.create_dataset("scalar", data=3.5)
    f.create_dataset("void", data=np.void(b"\x00\x01\x02 opaque"))
    f.create_dataset("refs", data=[f["gzip"].ref, f["named"].ref], dtype=h5py.ref_dtype)
    f["regions"] = f["gzip"].regionref[2:5, 3]
    f["x"] = np.arange(200)
    f["x"].make_scale("x")
    f["gzip"].dims[0].attach_scale(f["x"])
    f["lzf"].dims[0].attach_scale(f["x"])
    f["soft"] = h5py.SoftLink("/gzip")
    f["dangling"] = h5py.SoftLink("/nothing")
    f["hard"] = f["lzf"]
    f["a/b/c/d/e"] = 1
    f["a/up"] = f["/"]
    for i in range(40):
        f["gzip"].attrs[f"attribute {i}"] = i
        f["a"].attrs[f"text {i}"] = "value " * i
    f["a"].attrs["lines"] = "first line\nsecond line.\n"
    f["a"].attrs["when"] = np.array(["2020-01-01"], "M8[s]").astype(h5py.opaque_dtype("M8[s]"))
    f["a"].attrs["latin"] = "caf\u00e9".encode("latin-1")
    f["a"].attrs["empty"] = h5py.Empty("f4")
    f["a"].attrs["list"] = ["x", "y\nz", ""]
    for i in range(100):
        f.create_group(f"many/{i:04d} with a rather long name to fill blocks {'x' * (i % 50)}")


def deleted(f):
    everything(f)
    for k in ("text", "gzip", "a/b", "many", "named"):
        del f[k]
    del f["hard"]
    f.create_dataset("later", data=np.arange(100))
    for i in range(30):
        f["later"].attrs["v"] = "x" * i * 10


def big_attributes(f):
    f.attrs["w"] = np.arange(20000.0)
    f.attrs["model_config"] = np.bytes_(json.dumps(dict(MODEL, pad="x" * 100000)))
    f.attrs["note"] = "n" * 200000


KINDS = {"keras2": keras2, "keras2_fixed": keras2_fixed, "keras2_many": keras2_many, "keras2_huge": keras2_huge, "keras3_weights": keras3_weights,
         "everything": everything, "deleted": deleted}
WAYS = {"default": {}, "latest": {"libver": "latest"}, "v108": {"libver": ("v108", "v108")}, "v110": {"libver": ("v110", "v110")}, "earliest": {"libver": "earliest"},
        "ordered": {"track_order": True}, "latest_ordered": {"libver": "latest", "track_order": True},
        "page": {"fs_strategy": "page", "fs_persist": True}, "aggregate": {"fs_strategy": "aggregate"}, "fsm": {"fs_strategy": "fsm", "fs_persist": True, "libver": "latest"},
        "userblock": {"userblock_size": 1024}}


def listing(f):
    seen = {}
    def visit(name, o):
        seen[o.id.__hash__()] = ["dataset" if isinstance(o, h5py.Dataset) else "group" if isinstance(o, h5py.Group) else "type", sorted(o.attrs)]
    visit("", f["/"])
    f.visititems(visit)
    return sorted(seen.values(), key=str)


def write(name, fill, **how):
    path = os.path.join(out, name)
    with h5py.File(path, "w", **how) as f:
        fill(f)
    with h5py.File(path, "r") as f, open(path + ".list", "w") as l:
        json.dump(listing(f), l)


for k, fill in KINDS.items():
    for w, how in WAYS.items():
        write(f"{k}_{w}.h5", fill, **how)
write("big_attributes.h5", big_attributes, libver="latest")
with h5py.File(os.path.join(out, "empty.h5"), "w") as f:
    pass
json.dump([["group", []]], open(os.path.join(out, "empty.h5.list"), "w"))
