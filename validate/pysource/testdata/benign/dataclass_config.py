import json
from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any, Dict, Optional

import yaml
from omegaconf import OmegaConf


@dataclass
class Args:
    dim: int = 512
    extra: Dict[str, Any] = field(default_factory=dict)
    path: Optional[str] = None

    @classmethod
    def load(cls, path):
        with open(path, "r", encoding="utf-8") as f:
            raw = yaml.safe_load(f) if path.endswith((".yml", ".yaml")) else json.load(f)
        known = {f.name for f in fields(cls)}
        return cls(**{k: v for k, v in raw.items() if k in known})

    def dump(self):
        return json.dumps(asdict(replace(self, path=None)), indent=2), OmegaConf.create(asdict(self))
