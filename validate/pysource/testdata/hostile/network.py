"""The network, and what comes from it."""
import ftplib
import http.client
import smtplib
import socket
import urllib.request as u
import requests
import torch
import pandas as pd
from urllib.request import urlopen, Request  # want "pysource/network"
from huggingface_hub import HfApi, hf_hub_download, snapshot_download  # want "pysource/network" "pysource/network"

requests.post("http://x", data="y")  # want "pysource/network"
requests.Session().get("http://x")  # want "pysource/network"
u.urlretrieve("http://x", "y")  # want "pysource/network"
urlopen(Request("http://x")).read()  # want "pysource/network"
socket.socket().connect(("x", 1))  # want "pysource/network"
socket.getaddrinfo("secret.x", 1)  # want "pysource/network"
http.client.HTTPSConnection("x")  # want "pysource/network"
smtplib.SMTP("x")  # want "pysource/network"
ftplib.FTP("x")  # want "pysource/network"
torch.hub.load("a/b", "c")  # want "pysource/network"
torch.hub.download_url_to_file("http://x", "y")  # want "pysource/network"
pd.read_csv("http://x/y.csv")  # want "pysource/network"
HfApi().upload_file(path_or_fileobj="x", path_in_repo="y", repo_id="z")  # want "pysource/network"
hf_hub_download("a/b", "payload.py")  # want "pysource/unsettled"
snapshot_download("a/b")  # want "pysource/unsettled"
