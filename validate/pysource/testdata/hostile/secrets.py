"""Credentials and the environment."""
import json
import os
import pathlib
import getpass
from huggingface_hub import HfFolder, get_token  # want "pysource/environment"

os.environ["HF_TOKEN"]  # want "pysource/environment"
os.environ.get("AWS_SECRET_ACCESS_KEY")  # want "pysource/environment"
os.getenv("OPENAI_" + "API_KEY")  # want "pysource/environment"
json.dumps(dict(os.environ))  # want "pysource/environment"
{k: v for k, v in os.environ.items()}  # want "pysource/environment"
open(os.path.expanduser("~/.ssh/id_rsa")).read()  # want "pysource/environment"
pathlib.Path.home() / ".aws" / "credentials"  # want "pysource/environment"
pathlib.Path("/etc/passwd").read_text()  # want "pysource/environment"
open("/proc/self/environ").read()  # want "pysource/environment"
os.path.join(os.path.expanduser("~"), ".netrc")  # want "pysource/environment"
HfFolder.get_token()  # want "pysource/environment"
get_token()  # want "pysource/environment"
getpass.getuser()  # want "pysource/unsettled"
open("/root/.bash_history")  # want "pysource/environment"
os.environ[input()]  # want "pysource/unsettled"
os.environ["LD_PRELOAD"] = "x.so"  # want "pysource/import-machinery"
os.environ.update(PYTHONPATH="x")  # want "pysource/import-machinery"
os.environ.setdefault("HF_ENDPOINT", "http://x")  # want "pysource/import-machinery"
os.putenv("PATH", "x")  # want "pysource/import-machinery"
