"""Modules reached by other means than an import statement."""
import importlib
import sys
import pkgutil
from importlib import import_module as bring, util

__import__("os").system("true")  # want "pysource/process"
importlib.import_module("subprocess").run(["true"])  # want "pysource/process"
bring("os").popen("true")  # want "pysource/process"
sys.modules["os"].system("true")  # want "pysource/process"
sys.modules.get("posix").system("true")  # want "pysource/process"
importlib.__import__("os").system("true")  # want "pysource/process"
__builtins__["eval"]("1")  # want "pysource/execution"
__builtins__.exec("1")  # want "pysource/execution"
__builtins__.__dict__["exec"]("1")  # want "pysource/execution"
vars(__builtins__)["eval"]("1")  # want "pysource/execution"
globals()["__builtins__"]["eval"]("1")  # want "pysource/execution"
getattr(__builtins__, "__imp" + "ort__")("os").system("true")  # want "pysource/process"
pkgutil.resolve_name("os:system")("true")  # want "pysource/import-machinery"
spec = util.spec_from_file_location("m", "weights.bin")  # want "pysource/import-machinery"
module = util.module_from_spec(spec)  # want "pysource/import-machinery"
spec.loader.exec_module(module)  # want "pysource/import-machinery"
__loader__.load_module("os")  # want "pysource/import-machinery"
imp = __import__
imp("os").system("true")  # want "pysource/process"
name = input()
importlib.import_module(name)  # want "pysource/obfuscation"
__import__(name)  # want "pysource/obfuscation"
sys.modules[name].run()  # want "pysource/computed-import"
