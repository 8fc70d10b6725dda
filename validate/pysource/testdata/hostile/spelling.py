"""Identifiers that are not what they look like."""
import os
ｅｖａｌ("1")  # want "pysource/spelling" "pysource/execution"
os.ſystem("true")  # want "pysource/spelling" "pysource/process"
os.𝓼𝔂𝓼𝓽𝓮𝓶("true")  # want "pysource/spelling" "pysource/process"
еxec = print  # want "pysource/hidden-characters"
access = "user"  # ‮ reversed  # want "pysource/hidden-characters"
