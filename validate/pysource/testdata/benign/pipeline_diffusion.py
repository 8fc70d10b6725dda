import inspect
from dataclasses import dataclass
from typing import Any, Callable, Dict, List, Optional, Union

import numpy as np
import PIL
import torch
from diffusers import AutoencoderKL, DiffusionPipeline, UNet2DConditionModel
from diffusers.image_processor import VaeImageProcessor
from diffusers.schedulers import KarrasDiffusionSchedulers
from diffusers.utils import BaseOutput, deprecate, logging, replace_example_docstring
from diffusers.utils.torch_utils import randn_tensor
from transformers import CLIPTextModel, CLIPTokenizer

logger = logging.get_logger(__name__)


@dataclass
class Output(BaseOutput):
    images: Union[List[PIL.Image.Image], np.ndarray]


class TinyPipeline(DiffusionPipeline):
    model_cpu_offload_seq = "text_encoder->unet->vae"

    def __init__(self, vae: AutoencoderKL, text_encoder: CLIPTextModel, tokenizer: CLIPTokenizer, unet: UNet2DConditionModel, scheduler: KarrasDiffusionSchedulers):
        super().__init__()
        self.register_modules(vae=vae, text_encoder=text_encoder, tokenizer=tokenizer, unet=unet, scheduler=scheduler)
        self.vae_scale_factor = 2 ** (len(self.vae.config.block_out_channels) - 1)

    def prepare_extra_step_kwargs(self, generator, eta):
        extra = {}
        if "eta" in set(inspect.signature(self.scheduler.step).parameters.keys()):
            extra["eta"] = eta
        return extra

    @torch.no_grad()
    def __call__(self, prompt: Union[str, List[str]] = None, callback: Optional[Callable[[int], None]] = None):
        for i, t in enumerate(self.progress_bar(self.scheduler.timesteps)):
            if callback is not None:
                callback(i)
        return Output(images=[])
