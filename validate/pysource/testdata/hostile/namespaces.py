"""The dictionaries of modules."""
import os
import subprocess as sp

os.__dict__["system"]("true")  # want "pysource/process"
vars(os)["popen"]("true")  # want "pysource/process"
os.__dict__.get("sys" + "tem")("true")  # want "pysource/process"
os.__getattribute__("system")("true")  # want "pysource/process"
object.__getattribute__(os, "system")("true")  # want "pysource/process"
globals()["os"].system("true")  # want "pysource/process"
locals()["sp"].run(["true"])  # want "pysource/process"
for f in os.__dict__.values():  # want "pysource/obfuscation"
    pass
d = vars(os)  # want "pysource/obfuscation"
d["exec" + "ve"]("true", [], {})  # want "pysource/process"
