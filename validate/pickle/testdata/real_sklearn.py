"""Fits every estimator of scikit-learn that fits small data and saves it with joblib and with pickle."""
import os, pickle, sys, warnings
import joblib, numpy as np, sklearn
from sklearn.utils import all_estimators

warnings.simplefilter("ignore")
out = sys.argv[1]
rng = np.random.RandomState(0)
X = np.abs(rng.rand(40, 4)) + 0.1
y = np.array([0, 1] * 20)
texts = ["red apple", "green pear", "red plum", "a green apple"] * 10


def put(name, obj, k):
    joblib.dump(obj, os.path.join(out, name + ".joblib"), protocol=(2, 3, 4, 5)[k % 4])
    with open(os.path.join(out, name + ".pkl"), "wb") as f:
        pickle.dump(obj, f, (5, 4, 3, 2)[k % 4])


def fitted(name, cls):
    from sklearn.linear_model import LogisticRegression
    from sklearn.tree import DecisionTreeClassifier
    if "Vectorizer" in name and name != "DictVectorizer":
        return cls().fit(texts)
    if name == "DictVectorizer":
        return cls().fit([{"a": 1, "b": 2}] * 3)
    if name in ("ColumnTransformer",):
        from sklearn.preprocessing import StandardScaler
        return cls([("s", StandardScaler(), [0, 1])]).fit(X)
    if name in ("FeatureUnion", "Pipeline"):
        from sklearn.preprocessing import StandardScaler
        steps = [("a", StandardScaler()), ("b", StandardScaler())]
        return cls(steps).fit(X, y)
    if name in ("StackingClassifier", "VotingClassifier"):
        return cls([("a", LogisticRegression()), ("b", DecisionTreeClassifier())]).fit(X, y)
    if name in ("StackingRegressor", "VotingRegressor"):
        from sklearn.linear_model import Ridge
        return cls([("a", Ridge()), ("b", Ridge())]).fit(X, y)
    if name in ("GridSearchCV", "HalvingGridSearchCV"):
        return cls(LogisticRegression(), {"C": [1, 2]}).fit(X, y)
    if name in ("RandomizedSearchCV", "HalvingRandomSearchCV"):
        return cls(LogisticRegression(), {"C": [1, 2, 3]}, n_iter=2).fit(X, y)
    if name in ("ClassifierChain", "MultiOutputClassifier"):
        return cls(LogisticRegression()).fit(X, np.c_[y, y[::-1]])
    if name in ("MultiOutputRegressor", "RegressorChain"):
        from sklearn.linear_model import Ridge
        return cls(Ridge()).fit(X, np.c_[y, y])
    if name == "SparseCoder":
        return cls(X)
    kw = {}
    if "n_estimators" in cls().get_params() if not cls.__init__.__code__.co_varnames[1:2] == ("estimator",) else False:
        kw["n_estimators"] = 3
    try:
        e = cls(**kw)
    except TypeError:
        e = cls(LogisticRegression())
    if name.startswith(("MultiTask",)) or name in ("CCA", "PLSCanonical", "PLSRegression", "PLSSVD"):
        return e.fit(X, np.c_[y, y[::-1]])
    if name == "IsotonicRegression":
        return e.fit(X[:, 0], y)
    if name in ("LabelBinarizer", "LabelEncoder"):
        return e.fit(y)
    if name == "MultiLabelBinarizer":
        return e.fit([[1, 2], [3]])
    return e.fit(X, y)


k = 0
failed = []
for name, cls in all_estimators():
    try:
        e = fitted(name, cls)
    except Exception as err:
        failed.append(f"{name}: {err!r}"[:150])
        continue
    put(name, e, k)
    k += 1

from sklearn.compose import TransformedTargetRegressor
from sklearn.datasets import load_iris
from sklearn.ensemble import HistGradientBoostingRegressor, GradientBoostingClassifier
from sklearn.linear_model import LinearRegression, SGDClassifier, SGDRegressor
from sklearn.model_selection import KFold
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
import scipy.sparse as sp

put("log_transformer", make_pipeline(FunctionTransformer(np.log1p), StandardScaler(), LinearRegression()).fit(X, y), 1)
put("expm1_target", TransformedTargetRegressor(LinearRegression(), func=np.log1p, inverse_func=np.expm1).fit(X, y), 2)
for i, loss in enumerate(("log_loss", "modified_huber", "squared_hinge", "perceptron")):
    put("sgd_" + loss, SGDClassifier(loss=loss).fit(X, y), i)
put("sgd_huber", SGDRegressor(loss="huber").fit(X, y), 0)
for i, alg in enumerate(("kd_tree", "ball_tree", "brute")):
    put("neighbors_" + alg, KNeighborsClassifier(algorithm=alg).fit(X, y), i)
for i, loss in enumerate(("absolute_error", "poisson", "quantile")):
    put("hist_" + loss, HistGradientBoostingRegressor(loss=loss, quantile=0.5, max_iter=3).fit(X, y), i)
put("gb_exponential", GradientBoostingClassifier(loss="exponential", n_estimators=3).fit(X, y), 1)
put("bunch", load_iris(), 0)
put("arrays", [np.arange(5), np.ones((2, 3), order="F"), np.array(["a", None], object), np.array(["x", "yy"]), np.zeros((0, 2)), np.float32(1), np.matrix([[1, 2]]),
               np.zeros(2, [("a", "f4"), ("b", "i8")]), np.random.RandomState(3), np.random.default_rng(1)], 2)
for i, fmt in enumerate(("csr", "csc", "coo", "bsr", "dia", "lil", "dok")):
    put("sparse_" + fmt, sp.random(5, 6, 0.3).asformat(fmt), i)
for p in range(6):
    joblib.dump({"a": np.arange(6.), "o": np.array([1, "x"], object)}, os.path.join(out, f"proto{p}.joblib"), protocol=p)
if len(sys.argv) > 2:
    print(k, "estimators", "\n".join(failed))
