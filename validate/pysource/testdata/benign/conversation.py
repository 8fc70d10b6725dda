"""Conversation templates: words such as system and exec are roles and texts."""
import dataclasses
from enum import IntEnum, auto
from typing import Dict, List, Union


class SeparatorStyle(IntEnum):
    ADD_COLON_SINGLE = auto()
    MPT = auto()


@dataclasses.dataclass
class Conversation:
    name: str
    system_template: str = "{system_message}"
    system_message: str = ""
    system: str = ""
    roles: List[str] = (("USER", "ASSISTANT"))
    messages: List[List[str]] = ()
    sep: str = "\n"

    def get_prompt(self) -> str:
        system_prompt = self.system_template.format(system_message=self.system_message)
        ret = system_prompt + self.sep
        for role, message in self.messages:
            ret += role + ": " + message + self.sep if message else role + ":"
        return ret

    def copy(self):
        return Conversation(name=self.name, roles=self.roles, messages=[[x, y] for x, y in self.messages])


conv_templates: Dict[str, Conversation] = {}


def register(template: Conversation, override: bool = False):
    conv_templates[template.name] = template


register(Conversation(name="plain", system_template="<|im_start|>system\n{system_message}", roles=("<|im_start|>user\n", "<|im_start|>assistant\n")))
conv = conv_templates["plain"].copy()
conv.system = "You run code. Never call os.system or eval."
