"""Objects that run code while they are loaded."""
import joblib
import marshal
import pickle
import shelve
import dill
import numpy as np
import pandas as pd
import torch
import yaml
from pickle import loads as ld  # want "pysource/deserialisation"
from functools import partial

pickle.loads(b"")  # want "pysource/deserialisation"
pickle.Unpickler(None).load()  # want "pysource/deserialisation"
ld(b"")  # want "pysource/deserialisation"
torch.load("x.bin")  # want "pysource/deserialisation"
torch.load("x.bin", weights_only=False)  # want "pysource/deserialisation"
torch.load("x.bin", **{"weights_only": False})  # want "pysource/deserialisation"
torch.load("x.bin", weights_only=bool(input()))  # want "pysource/unsettled"
torch.load("x.bin", pickle_module=dill, weights_only=False)  # want "pysource/deserialisation"
partial(torch.load, map_location="cpu")("x.bin")  # want "pysource/deserialisation"
np.load("x.npy", allow_pickle=True)  # want "pysource/deserialisation"
np.load("x.npy", None, True)  # want "pysource/deserialisation"
joblib.load("x")  # want "pysource/deserialisation"
pd.read_pickle("x")  # want "pysource/deserialisation"
yaml.load("x", Loader=yaml.Loader)  # want "pysource/deserialisation" "pysource/unsettled"
yaml.unsafe_load("x")  # want "pysource/deserialisation"
marshal.loads(b"")  # want "pysource/deserialisation"
shelve.open("x")  # want "pysource/deserialisation"
dill.load(None)  # want "pysource/deserialisation"
torch.package.PackageImporter("x").load_pickle("a", "b")  # want "pysource/deserialisation"
