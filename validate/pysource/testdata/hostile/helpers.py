"""Decoders written as functions."""
import os


def d(s):
    return "".join(chr(ord(c) ^ 1) for c in s)


def r(s):
    t = s[::-1]  # want "pysource/obfuscation"
    return t


def two(a, b="tem"):
    x = a + b  # want "pysource/obfuscation"
    return x


KEY = [115, 121, 115, 116, 101, 109]
getattr(os, d("rxrudl"))("true")  # want "pysource/process"
getattr(os, r("metsys"))("true")  # want "pysource/process"
getattr(os, two("sys"))("true")  # want "pysource/process"
getattr(os, bytes(KEY).decode())("true")  # want "pysource/process"
getattr(os, "".join(map(lambda n: chr(n), KEY)))("true")  # want "pysource/process"
s = "sys"
s += "tem"
getattr(os, s)("true")  # want "pysource/process"
out = ""
for k in KEY:
    out += chr(k)
getattr(os, out)("true")  # want "pysource/obfuscation"
w = bytearray(b"rxrudl")
for i in range(len(w)):
    w[i] ^= 1
getattr(os, w.decode())("true")  # want "pysource/obfuscation"
