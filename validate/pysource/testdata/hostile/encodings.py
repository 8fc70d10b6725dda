"""Names and code behind encodings."""
import base64
import binascii
import codecs
import gzip
import importlib
import zlib
import os

getattr(os, base64.b64decode("c3lzdGVt").decode())("true")  # want "pysource/process"
getattr(os, codecs.decode("flfgrz", "rot13"))("true")  # want "pysource/process"
getattr(os, codecs.encode("flfgrz", "rot_13"))("true")  # want "pysource/process"
getattr(os, binascii.unhexlify("73797374656d").decode())("true")  # want "pysource/process"
getattr(os, base64.b32decode("ON4XG5DFNU======").decode())("true")  # want "pysource/process"
getattr(os, base64.b85decode("b9r-gWo-").decode())("true")  # want "pysource/process"
getattr(os, b"metsys".decode()[::-1])("true")  # want "pysource/process"
getattr(os, codecs.decode("73797374656d", "hex").decode())("true")  # want "pysource/process"
getattr(os, b"\\x73ystem".decode("unicode_escape"))("true")  # want "pysource/process"
importlib.import_module(base64.b64decode(b"c3VicHJvY2Vzcw==").decode()).run(["true"])  # want "pysource/process"
exec(zlib.decompress(base64.b64decode("eJzLzC3ILypRyC8GABcVBFQ=")))  # want "pysource/execution"
exec(gzip.decompress(open("weights.gz", "rb").read()))  # want "pysource/execution"
eval(compile(base64.b64decode("MQ=="), "x", "eval"))  # want "pysource/execution"
__import__(base64.urlsafe_b64decode("b3M=").decode())  # want "pysource/obfuscation"
