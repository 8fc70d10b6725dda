import os
import sys
import platform
import torch
import torch.distributed as dist

local_rank = int(os.environ.get("LOCAL_RANK", "0"))
world_size = int(os.getenv("WORLD_SIZE", 1))
if "CUDA_VISIBLE_DEVICES" in os.environ:
    print(os.environ["CUDA_VISIBLE_DEVICES"])
os.environ["TOKENIZERS_PARALLELISM"] = "false"
os.environ.setdefault("PYTORCH_CUDA_ALLOC_CONF", "expandable_segments:True")
IS_WINDOWS = platform.system() == "Windows" or sys.platform == "win32"
if sys.version_info < (3, 9):
    raise RuntimeError("too old")
rank = dist.get_rank() if dist.is_available() and dist.is_initialized() else 0
