import pandas as pd
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.compose import ColumnTransformer
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler


class Clip(BaseEstimator, TransformerMixin):
    def __init__(self, low=0, high=1):
        self.low, self.high = low, high

    def fit(self, X, y=None):
        return self

    def transform(self, X):
        return X.clip(self.low, self.high)


def build(df: pd.DataFrame):
    numeric = df.select_dtypes("number").columns
    subset = df.query("age > 3 and weight < 9")
    return Pipeline([("prep", ColumnTransformer([("n", StandardScaler(), numeric)])), ("clip", Clip())]).fit(subset)
