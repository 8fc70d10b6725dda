import numpy as np
import torch
import torchaudio
import librosa
from transformers.audio_utils import mel_filter_bank, spectrogram, window_function
from transformers.feature_extraction_sequence_utils import SequenceFeatureExtractor
from transformers.utils import TensorType


class TinyExtractor(SequenceFeatureExtractor):
    model_input_names = ["input_features"]

    def __init__(self, feature_size=80, sampling_rate=16000, padding_value=0.0, **kwargs):
        super().__init__(feature_size=feature_size, sampling_rate=sampling_rate, padding_value=padding_value, **kwargs)
        self.mel = torchaudio.transforms.MelSpectrogram(sampling_rate, n_mels=feature_size)

    def __call__(self, raw, return_tensors=None):
        if isinstance(raw, str):
            raw, _ = librosa.load(raw, sr=self.sampling_rate)
        return {"input_features": self.mel(torch.as_tensor(np.asarray(raw, dtype=np.float32)))}
