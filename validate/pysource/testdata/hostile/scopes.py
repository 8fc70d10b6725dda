"""Names that are bound in unusual places."""
import os

if (m := os):
    m.system("true")  # want "pysource/process"
for n in (os,):
    n.system("true")  # want "pysource/process"
a, (b, *c) = 1, (os, 2)
b.system("true")  # want "pysource/process"
x = y = os
y.system("true")  # want "pysource/process"
[z for z in [os]][0].system("true")  # want "pysource/process"


def f(q=os):
    q.system("true")  # want "pysource/process"


def g():
    global later
    later = os


later.system("true")  # want "pysource/process"


def outer():
    inside = None

    def inner():
        nonlocal inside
        inside = os
    inner()
    inside.system("true")  # want "pysource/process"


class C:
    mod = os

    def run(self):
        self.mod.system("true")  # want "pysource/process"
        self.other = os
        return self.other.popen("true")  # want "pysource/process"


C.mod.system("true")  # want "pysource/process"
C().mod.system("true")  # want "pysource/process"
d = {}
d["k"] = os
d["k"].system("true")  # want "pysource/process"
e = os
e = None
e.system("true")  # want "pysource/process"


def make():
    return os


make().system("true")  # want "pysource/process"


def call(module, name, *args):
    return getattr(module, name)(*args)  # want "pysource/process"


call(os, "system", "true")
(lambda h=os: h.system("true"))()  # want "pysource/process"
t = [os] * 2
t[1].system("true")  # want "pysource/process"
eval = print
del eval
eval("1")  # want "pysource/execution"
