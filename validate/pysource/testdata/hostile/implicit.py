"""Code that runs without a visible call."""
import os


@os.system  # want "pysource/process"
def f():
    pass


@eval  # want "pysource/execution"
@lambda _: "1"
class A:
    pass


def g(x=os.popen("true")):  # want "pysource/process"
    pass


def h(x: os.system("true")) -> os.popen("true"):  # want "pysource/process"
    pass


class M(type):
    def __new__(mcs, name, bases, ns):
        os.system("true")  # want "pysource/process"
        return super().__new__(mcs, name, bases, ns)


class B(metaclass=M):
    __add__ = os.system  # want "pysource/process"

    def __init_subclass__(cls):
        os.system("true")  # want "pysource/process"

    def __class_getitem__(cls, item):
        return os.popen(item)  # want "pysource/process"

    def __reduce__(self):
        return os.system, ("true",)  # want "pysource/process"

    @property
    def weight(self):
        return exec("1")  # want "pysource/execution"

    def __del__(self):
        os.execv("/bin/true", [])  # want "pysource/process"


def __getattr__(name):
    return eval(name)  # want "pysource/execution"


[os.system(c) for c in ("true",)]  # want "pysource/process"
{os.fork() for _ in "a"}  # want "pysource/process"
x = 1 if os.system("true") else 2  # want "pysource/process"
assert os.system("true") == 0  # want "pysource/process"
with os.popen("true") as fh:  # want "pysource/process"
    pass
match os:
    case object(system=s):  # want "pysource/process"
        s("true")  # want "pysource/process"
