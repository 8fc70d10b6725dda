"""Files that run later."""
import os
import shutil
import site
import sys
from pathlib import Path

open(os.path.expanduser("~/.bashrc"), "a").write("true")  # want "pysource/persistence"
Path.home().joinpath(".profile")  # want "pysource/persistence"
(Path.home() / ".config" / "autostart" / "x.desktop").write_text("x")  # want "pysource/persistence"
open("/etc/cron.d/x", "w")  # want "pysource/persistence"
site.getsitepackages()  # want "pysource/persistence"
open(os.path.join(os.path.dirname(os.__file__), "sitecustomize.py"), "w")  # want "pysource/persistence"
shutil.copy(__file__, "/usr/lib/python3/x.py")  # want "pysource/file-write"
shutil.rmtree("/home")  # want "pysource/file-write"
os.remove("../../other/file")  # want "pysource/file-write"
os.chmod("/usr/bin/x", 0o4755)  # want "pysource/file-write"
open("helper.py", "w").write("x")  # want "pysource/file-write"
Path("~/.ssh/authorized_keys").expanduser().open("a")  # want "pysource/environment"
