"""Other programs."""
import asyncio
import multiprocessing.util
import os
import pty
import subprocess
import webbrowser
from os import execvp  # want "pysource/process"
from subprocess import *  # want "pysource/star-import"

os.system("true")  # want "pysource/process"
os.popen("true").read()  # want "pysource/process"
os.execl("/bin/true", "true")  # want "pysource/process"
os.posix_spawn("/bin/true", [], {})  # want "pysource/process"
os.fork()  # want "pysource/process"
os.spawnlp(0, "true")  # want "pysource/process"
subprocess.run("true", shell=True)  # want "pysource/process"
subprocess.Popen(["true"])  # want "pysource/process"
subprocess.getoutput("true")  # want "pysource/process"
check_output(["true"])  # want "pysource/process"
pty.spawn("true")  # want "pysource/process"
webbrowser.open("http://x")  # want "pysource/process"
asyncio.create_subprocess_shell("true")  # want "pysource/process"
multiprocessing.util.spawnv_passfds(b"true", [], [])  # want "pysource/process"
execvp("true", [])  # want "pysource/process"
r = subprocess.call  # want "pysource/process"
r(["true"])  # want "pysource/process"
