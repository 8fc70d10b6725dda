from abc import ABC, abstractmethod

import torch
import torch.nn as nn
from transformers import AutoConfig, AutoModelForCausalLM, CLIPImageProcessor, CLIPVisionConfig, CLIPVisionModel, LlamaConfig, LlamaForCausalLM, LlamaModel


class VisionTower(nn.Module):
    def __init__(self, name, args, delay_load=False):
        super().__init__()
        self.is_loaded = False
        self.vision_tower_name = name
        self.select_feature = getattr(args, "mm_vision_select_feature", "patch")
        if not delay_load:
            self.load_model()
        else:
            self.cfg_only = CLIPVisionConfig.from_pretrained(self.vision_tower_name)

    def load_model(self, device_map=None):
        self.image_processor = CLIPImageProcessor.from_pretrained(self.vision_tower_name)
        self.vision_tower = CLIPVisionModel.from_pretrained(self.vision_tower_name, device_map=device_map)
        self.vision_tower.requires_grad_(False)
        self.is_loaded = True


class TinyLlavaConfig(LlamaConfig):
    model_type = "tiny_llava"


class Meta(ABC):
    @abstractmethod
    def get_model(self):
        pass

    def encode_images(self, images):
        return self.get_model().mm_projector(self.get_model().get_vision_tower()(images))


class TinyLlava(LlamaForCausalLM, Meta):
    config_class = TinyLlavaConfig

    def get_model(self):
        return self.model


AutoConfig.register("tiny_llava", TinyLlavaConfig)
AutoModelForCausalLM.register(TinyLlavaConfig, TinyLlava)
TinyLlavaConfig.register_for_auto_class()
