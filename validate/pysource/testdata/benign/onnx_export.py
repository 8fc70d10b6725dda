import numpy as np
import onnx
import onnxruntime as ort
from onnx import helper, numpy_helper


class OrtModel:
    def __init__(self, path, providers=("CPUExecutionProvider",)):
        options = ort.SessionOptions()
        options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_ENABLE_ALL
        self.session = ort.InferenceSession(path, options, providers=list(providers))

    def __call__(self, **inputs):
        return self.session.run(None, {k: np.asarray(v) for k, v in inputs.items()})
