from transformers.configuration_utils import PretrainedConfig
from transformers.utils import logging

logger = logging.get_logger(__name__)


class TinyLlamaConfig(PretrainedConfig):
    r"""Holds sizes. Example: `exec(open("x").read())` is not run."""

    model_type = "tiny_llama"
    keys_to_ignore_at_inference = ["past_key_values"]
    attribute_map = {"num_layers": "num_hidden_layers"}

    def __init__(self, vocab_size=32000, hidden_size=64, rope_scaling=None, tie_word_embeddings=False, **kwargs):
        self.vocab_size = vocab_size
        self.hidden_size = hidden_size
        self.rope_scaling = rope_scaling
        self._check_rope()
        for key, value in kwargs.items():
            try:
                setattr(self, key, value)
            except AttributeError as err:
                logger.error(f"Can't set {key} with value {value} for {self}")
                raise err
        super().__init__(tie_word_embeddings=tie_word_embeddings, **kwargs)

    def _check_rope(self):
        if self.rope_scaling is None:
            return
        if not isinstance(self.rope_scaling, dict) or len(self.rope_scaling) != 2:
            raise ValueError(f"`rope_scaling` must be a dictionary with two fields, got {self.rope_scaling}")

    @classmethod
    def from_pretrained(cls, path, **kwargs):
        config_dict, kwargs = cls.get_config_dict(path, **kwargs)
        if config_dict.get("model_type") == "llava":
            config_dict = config_dict["text_config"]
        return cls.from_dict(config_dict, **kwargs)
