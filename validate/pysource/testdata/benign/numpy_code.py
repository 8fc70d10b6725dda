import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from scipy import signal, stats
from scipy.io import wavfile
from scipy.signal import resample

table = np.load("table.npy")
grid = np.load("grid.npz", allow_pickle=False)["arr_0"]
rng = np.random.default_rng(0)
x = np.select([table > 0], [table], default=0)
b, a = signal.butter(4, 0.2)
y = signal.lfilter(b, a, x)
print(stats.norm.pdf(0.0), np.testing.assert_allclose(x, x), getattr(np, "float32")(1))
