"""Writes whole Keras files in the layouts of Keras 2 (.h5) and 3 (.keras, .weights.h5), harmless ones and such with a Lambda."""
import io, json, os, sys, zipfile
import h5py
import numpy as np

out = sys.argv[1]
LAMBDA3 = {"module": "keras.layers", "class_name": "Lambda", "registered_name": None,
           "config": {"function": {"class_name": "__lambda__", "config": {"code": "4wEAAAAAAAAA", "defaults": None, "closure": None}}}}
LAMBDA2 = {"class_name": "Lambda", "config": {"function": ["4wEAAAAAAAAA", None, None], "function_type": "lambda"}}
DENSE3 = {"module": "keras.layers", "class_name": "Dense", "config": {"name": "dense", "units": 4}, "registered_name": None, "build_config": {"input_shape": [None, 8]}}
DENSE2 = {"class_name": "Dense", "config": {"name": "dense", "units": 4, "activation": "relu"}}


def model(*layers, **more):
    return json.dumps({"class_name": "Sequential", "config": {"name": "sequential", "layers": list(layers)}, **more})


def weights3():
    b = io.BytesIO()
    with h5py.File(b, "w") as f:
        for i in range(3):
            v = f.create_group(f"layers/dense_{i}/vars")
            v["0"], v["1"] = np.zeros((8, 4), "f4"), np.zeros(4, "f4")
        f.create_group("optimizer/vars")
    return b.getvalue()


def keras3(name, config, weights=None, method=zipfile.ZIP_STORED, **members):
    with zipfile.ZipFile(os.path.join(out, name), "w", method) as z:
        z.writestr("metadata.json", json.dumps({"keras_version": "3.9.2", "date_saved": "2025-04-01@10:00:00"}))
        z.writestr("config.json", config)
        z.writestr("model.weights.h5", weights or weights3())
        for k, v in members.items():
            z.writestr(k.replace("__", "/") + ".txt", v)


def keras2(name, config, store, **how):
    with h5py.File(os.path.join(out, name), "w", **how) as f:
        f.attrs["keras_version"], f.attrs["backend"] = b"2.11.0", b"tensorflow"
        store(f, config)
        g = f.create_group("model_weights/dense")
        f["model_weights"].attrs["layer_names"] = [b"dense"]
        g.attrs["weight_names"] = [b"dense/kernel:0"]
        g["dense/kernel:0"] = np.zeros((8, 4), "f4")


def variable(f, config): f.attrs["model_config"] = config
def fixed(f, config): f.attrs["model_config"] = np.bytes_(config)


def many(f, config):
    for i in range(20):
        f.attrs[f"a{i}"] = i
    variable(f, config)


def external():
    b = io.BytesIO()
    with h5py.File(b, "w") as f:
        f.create_dataset("layers/dense/vars/0", (64,), "u1", external=[("/etc/hostname", 0, 64)])
    return b.getvalue()


keras3("model.keras", model(DENSE3))
keras3("deflated.keras", model(DENSE3), method=zipfile.ZIP_DEFLATED)
keras3("vocabulary.keras", model(DENSE3), assets__layers__text__vocabulary="\n[UNK]\nthe\nof\n")
open(os.path.join(out, "plain.weights.h5"), "wb").write(weights3())
keras3("evil_lambda.KERAS", model(DENSE3, LAMBDA3))
keras3("evil_nested.keras", model({"class_name": "TimeDistributed", "config": {"layer": LAMBDA3}}))
keras3("evil_asset.keras", model(DENSE3), assets__x="cposix\nsystem\n(S'true'\ntR.")
keras3("evil_weights.keras", model(DENSE3), external())
for how, more in {"old": {}, "latest": {"libver": "latest"}, "ordered": {"track_order": True}}.items():
    for store in (variable, fixed, many):
        keras2(f"{store.__name__}_{how}.h5", model(DENSE2), store, **more)
        keras2(f"evil_{store.__name__}_{how}.H5", model(DENSE2, {"class_name": "Bidirectional", "config": {"layer": LAMBDA2}}), store, **more)
keras2("evil_huge.h5", model(LAMBDA2, pad="x" * 200_000), fixed, libver="latest")
