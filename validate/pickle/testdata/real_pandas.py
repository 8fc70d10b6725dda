"""Pickles tables, columns and indices of pandas."""
import os, pickle, sys, warnings
import joblib, numpy as np, pandas as pd

warnings.simplefilter("ignore")
out = sys.argv[1]
df = pd.DataFrame({"i": [1, 2, 3], "f": [1.5, None, 3], "s": ["a", "b", None], "b": [True, False, True], "d": pd.to_datetime(["2020-01-01"] * 3),
                   "c": pd.Categorical(["x", "y", "x"]), "t": pd.to_timedelta([1, 2, 3], "D")})
things = {"frame": df, "series": df["f"], "text": df["s"], "dates": df["d"], "utc": df["d"].dt.tz_localize("UTC"), "categories": df["c"], "indexed": df.set_index("s"),
          "multi": df.set_index(["i", "f"]), "float": df[["f"]], "range": pd.RangeIndex(5), "dateindex": pd.date_range("2020-01-01", periods=3),
          "timestamp": pd.Timestamp("2020-01-01"), "timedelta": pd.Timedelta(3, "s"), "na": [pd.NaT, pd.NA], "one interval": pd.Interval(0, 1.5, closed="both"), "empty": pd.DataFrame(), "nullable": pd.array([1, None], dtype="Int64"),
          "string": pd.array(["a", None], dtype="string"), "boolean": pd.array([True, None], dtype="boolean"), "interval": pd.interval_range(0, 3), "period": pd.period_range("2020-01", periods=2, freq="M")}
for i, (name, obj) in enumerate(things.items()):
    for proto in (2, 3, 4, 5):
        with open(os.path.join(out, f"{name}_{proto}.pkl"), "wb") as f:
            pickle.dump(obj, f, proto)
    joblib.dump(obj, os.path.join(out, f"{name}.joblib"))
