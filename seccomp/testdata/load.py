# What a model load does: both torch formats, numpy with mmap, a DataLoader. Argument: worker processes.
import os, shutil, sys, tempfile

import numpy as np
import torch
from torch.utils.data import DataLoader, TensorDataset

if __name__ == "__main__":
    folder = tempfile.mkdtemp()
    path = os.path.join(folder, "a.pt")
    torch.save({"w": torch.randn(64, 64)}, path)
    w = torch.load(path)["w"]
    w @ w
    torch.save({"w": w}, path, _use_new_zipfile_serialization=False)
    torch.load(path)
    np.save(os.path.join(folder, "a.npy"), w.numpy())
    np.load(os.path.join(folder, "a.npy"), mmap_mode="r").sum()
    count = 0
    for batch in DataLoader(TensorDataset(torch.arange(64.0)), batch_size=8, num_workers=int(sys.argv[1])):
        count += len(batch[0])
    shutil.rmtree(folder)
    print("done", count)
