import base64
import json
import logging
import os
import unicodedata
from functools import lru_cache
from typing import Collection, Dict, List, Set, Tuple, Union

import regex as re
import tiktoken
from transformers import PreTrainedTokenizer

logger = logging.getLogger(__name__)
PAT_STR = r"""(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s+"""
SPECIAL = tuple((f"<|extra_{i}|>" for i in range(205)))


def _load_bpe(path: str) -> Dict[bytes, int]:
    with open(path, "rb") as f:
        contents = f.read()
    return {base64.b64decode(token): int(rank) for token, rank in (line.split() for line in contents.splitlines() if line)}


@lru_cache()
def bytes_to_unicode():
    bs = list(range(ord("!"), ord("~") + 1)) + list(range(ord("¡"), ord("¬") + 1)) + list(range(ord("®"), ord("ÿ") + 1))
    cs = bs[:]
    n = 0
    for b in range(2**8):
        if b not in bs:
            bs.append(b)
            cs.append(2**8 + n)
            n += 1
    cs = [chr(n) for n in cs]
    return dict(zip(bs, cs))


class Tik(PreTrainedTokenizer):
    vocab_files_names = {"vocab_file": "x.tiktoken"}

    def __init__(self, vocab_file, errors="replace", **kwargs):
        self.errors = errors
        self.mergeable_ranks = _load_bpe(vocab_file)
        self.byte_encoder = bytes_to_unicode()
        self.byte_decoder = {v: k for k, v in self.byte_encoder.items()}
        self.tokenizer = tiktoken.Encoding("x", pat_str=PAT_STR, mergeable_ranks=self.mergeable_ranks, special_tokens={s: i for i, s in enumerate(SPECIAL)})
        super().__init__(**kwargs)

    def save_vocabulary(self, save_directory: str, **kwargs) -> Tuple[str]:
        file_path = os.path.join(save_directory, "x.tiktoken")
        with open(file_path, "w", encoding="utf8") as w:
            for k, v in self.mergeable_ranks.items():
                w.write(base64.b64encode(k).decode("utf8") + " " + str(v) + "\n")
        return (file_path,)

    def tokenize(self, text: str, allowed_special: Union[Set, str] = "all", disallowed_special: Union[Collection, str] = ()) -> List[Union[bytes, str]]:
        text = unicodedata.normalize("NFC", text)
        return [self.decoder[t] for t in self.tokenizer.encode(text, allowed_special=allowed_special)]

    def convert_tokens_to_string(self, tokens):
        text = "".join(tokens)
        return bytearray([self.byte_decoder[c] for c in text]).decode("utf-8", errors=self.errors)
