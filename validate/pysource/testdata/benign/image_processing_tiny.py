"""Image processor."""
from typing import Dict, List, Optional, Union

import numpy as np
import PIL.Image
import torch
import torchvision.transforms as T
from PIL import Image
from torchvision.transforms.functional import InterpolationMode
from transformers.image_processing_utils import BaseImageProcessor, BatchFeature, get_size_dict
from transformers.image_utils import ImageInput, make_list_of_images, to_numpy_array, valid_images

IMAGENET_MEAN = (0.485, 0.456, 0.406)


class TinyImageProcessor(BaseImageProcessor):
    model_input_names = ["pixel_values"]

    def __init__(self, do_resize: bool = True, size: Dict[str, int] = None, **kwargs) -> None:
        super().__init__(**kwargs)
        self.size = get_size_dict(size or {"height": 224, "width": 224})

    def load(self, image):
        if isinstance(image, str):
            image = Image.open(image)
        return image.convert("RGB")

    def preprocess(self, images: ImageInput, return_tensors=None, **kwargs):
        images = make_list_of_images(images)
        if not valid_images(images):
            raise ValueError("Invalid image type")
        out = [to_numpy_array(i).astype(np.float32) / 255.0 for i in images]
        return BatchFeature(data={"pixel_values": np.stack(out)}, tensor_type=return_tensors)


def build_transform(size=448):
    return T.Compose([T.Lambda(lambda img: img.convert("RGB") if img.mode != "RGB" else img), T.Resize((size, size), interpolation=InterpolationMode.BICUBIC), T.ToTensor()])
