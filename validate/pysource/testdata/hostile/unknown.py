"""What cannot be settled."""
import helper_xyz  # want "pysource/unknown-module"
from helper_abc import *  # want "pysource/unknown-module" "pysource/star-import"
from .tools import sp
from .tools import os as hidden
import os
import subprocess  # want "pysource/capability-imported"

sp.check_output(["true"])  # want "pysource/execution"
hidden.system("true")  # want "pysource/process"
helper_xyz.register(os)  # want "pysource/obfuscation"
getattr(os, helper_xyz.name)  # want "pysource/obfuscation"
