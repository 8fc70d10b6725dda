"""Frames, collections and code objects."""
import gc
import inspect
import sys
import types
import threading

sys._getframe(1).f_globals  # want "pysource/introspection"
inspect.currentframe().f_back.f_globals["x"]  # want "pysource/introspection"
gc.get_objects()  # want "pysource/introspection"
gc.get_referrers(sys)  # want "pysource/introspection"
inspect.stack()[1]  # want "pysource/unsettled"
types.FunctionType(compile("1", "", "exec"), {})  # want "pysource/execution"
types.CodeType(0, 0, 0, 0, 0, 0, b"", (), (), (), "", "", 0, b"")  # want "pysource/execution"
sys.settrace(print)  # want "pysource/introspection"
sys.setprofile(print)  # want "pysource/introspection"
sys.addaudithook(print)  # want "pysource/introspection"
threading.settrace(print)  # want "pysource/introspection"
inspect.getmembers(sys)  # want "pysource/obfuscation"
