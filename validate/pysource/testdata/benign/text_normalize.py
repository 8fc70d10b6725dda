import html
import string
import unicodedata
import urllib.parse as ul

import ftfy
import regex as re

bad_punct = re.compile(r"[" + "#®•©™&@·º½¾¿¡§~" + r"\)" + r"\(" + r"\]" + r"\[" + r"\}" + r"\{" + r"\|" + r"\\" + r"\/" + r"\*" + r"]{1,}")
TABLE = str.maketrans({"‘": "'", "’": "'", "“": '"'})


def clean(caption):
    caption = ul.unquote_plus(str(caption)).strip().lower()
    caption = re.sub(r"\b((?:https?:(?:\/{1,3}|[a-zA-Z0-9%]))[^\s]*)", "", caption)
    caption = ftfy.fix_text(caption)
    caption = html.unescape(html.unescape(caption)).translate(TABLE)
    caption = unicodedata.normalize("NFKC", caption)
    return "".join(c for c in caption if c not in string.punctuation)[::-1][::-1]
