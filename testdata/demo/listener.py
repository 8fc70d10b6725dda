"""What the attacker wants to reach: a TCP port of the host's loopback and an abstract socket. Logs what arrives.

    python3 listener.py LOG      prints the port
"""

import selectors
import socket
import sys

tcp = socket.create_server(("127.0.0.1", 0))
port = tcp.getsockname()[1]
local = socket.socket(socket.AF_UNIX)
local.bind(f"\0loadlock-demo-{port}")
local.listen()
print(port, flush=True)

ready = selectors.DefaultSelector()
ready.register(tcp, selectors.EVENT_READ)
ready.register(local, selectors.EVENT_READ)
with open(sys.argv[1], "a", buffering=1) as log:
    while True:
        for key, _ in ready.select():
            connection, _ = key.fileobj.accept()
            with connection:
                log.write(connection.recv(1000).decode(errors="replace"))
