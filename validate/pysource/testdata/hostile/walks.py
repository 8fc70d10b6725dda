"""From any object to the interpreter's internals."""
import warnings


def f():
    pass


().__class__.__base__.__subclasses__()[0]  # want "pysource/introspection"
f.__globals__["__builtins__"]["eval"]("1")  # want "pysource/introspection"
getattr(f, "__glo" + "bals__")  # want "pysource/introspection"
warnings.catch_warnings.__init__.__globals__["sys"]  # want "pysource/introspection"
"{0.__init__.__globals__}".format(f)  # want "pysource/introspection"
print.__self__.eval("1")  # want "pysource/execution"
len.__self__.__import__("os").system("true")  # want "pysource/process"
(lambda: 0).__code__.co_consts  # want "pysource/unsettled"
(x for x in ()).gi_frame.f_back.f_globals  # want "pysource/introspection"
f.__code__ = (lambda: 1).__code__  # want "pysource/monkey-patch"
type.__getattribute__(int, "__subclasses__")  # want "pysource/introspection"
try:
    1 / 0
except ZeroDivisionError as e:
    e.__traceback__.tb_frame.f_builtins["eval"]("1")  # want "pysource/introspection"
