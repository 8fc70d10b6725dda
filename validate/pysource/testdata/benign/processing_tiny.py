import re
import sys
from typing import Dict, List, Optional, Union

from transformers.feature_extraction_utils import BatchFeature
from transformers.processing_utils import ProcessingKwargs, ProcessorMixin, Unpack


class TinyProcessor(ProcessorMixin):
    attributes = ["image_processor", "tokenizer"]
    valid_kwargs = ["chat_template"]
    image_processor_class = "AutoImageProcessor"
    tokenizer_class = "AutoTokenizer"

    def __call__(self, images=None, text: Union[str, List[str]] = None, **kwargs) -> BatchFeature:
        tokens = re.findall(r"<image_(\d+)>", text)
        if not tokens:
            sys.exit("no image")
        return BatchFeature(data={**self.tokenizer(text, **kwargs), **self.image_processor(images)})

    def batch_decode(self, *args, **kwargs):
        return self.tokenizer.batch_decode(*args, **kwargs)

    @property
    def model_input_names(self):
        return list(dict.fromkeys(self.tokenizer.model_input_names + self.image_processor.model_input_names))
