"""Network namespaces: made, entered for a moment, and removed whatever happens.

All names begin with "tnc" and the number of the process that made them, so that two runs do not meet, and a run that was
killed is cleaned up after by the next one.
"""

import ctypes
import os
import pathlib
import socket
import subprocess

PREFIX = "tnc"
CLONE_NEWNET = 0x40000000
NAMESPACES = pathlib.Path("/var/run/netns")

_libc = ctypes.CDLL(None, use_errno=True)


def run(*command, check=True):
    done = subprocess.run([str(x) for x in command], capture_output=True, text=True)
    if check and done.returncode != 0:
        raise RuntimeError(f"{' '.join(map(str, command))}: {done.stderr.strip() or done.stdout.strip()}")
    return done


def why_not():
    """Why no namespaces can be made here; None if they can."""
    if os.geteuid() != 0:
        return "network namespaces need root"
    name = f"{PREFIX}{os.getpid()}-try"
    try:
        made = run("ip", "netns", "add", name, check=False)
    except FileNotFoundError:
        return "the command 'ip' (package iproute2) is missing"
    if made.returncode != 0:
        return f"network namespaces cannot be made: {made.stderr.strip()}"
    run("ip", "netns", "del", name)
    return None


def _setns(fd):
    if _libc.setns(fd, CLONE_NEWNET) != 0:
        error = ctypes.get_errno()
        raise OSError(error, os.strerror(error))


class Namespace:
    """One host of the network."""

    def __init__(self, label):
        self.name = f"{PREFIX}{os.getpid()}-{label}"
        run("ip", "netns", "add", self.name)
        self.ip("link", "set", "lo", "up")

    def ip(self, *arguments, check=True):
        return run("ip", "-n", self.name, *arguments, check=check)

    def execute(self, *command):
        """The command line that runs `command` in here; the process keeps its id."""
        return ["ip", "netns", "exec", self.name, *map(str, command)]

    def inside(self, action):
        """Does something in here, such as opening a socket, which then stays in here."""
        with open("/proc/thread-self/ns/net") as home, open(NAMESPACES / self.name) as there:
            _setns(there.fileno())
            try:
                return action()
            finally:
                _setns(home.fileno())

    def connect(self, address, timeout):
        def dial():
            connection = socket.socket()
            connection.settimeout(timeout)
            connection.connect(address)
            return connection
        return self.inside(dial)

    def remove(self):
        run("ip", "netns", "del", self.name, check=False)


def remove_leftovers(own=False):
    """Removes what runs that were killed left behind; with `own` all of this run too, also what was half made."""
    if not NAMESPACES.exists():
        return
    for path in NAMESPACES.iterdir():
        owner = path.name.removeprefix(PREFIX).split("-")[0]
        if not path.name.startswith(PREFIX) or not owner.isdigit():
            continue
        if not pathlib.Path(f"/proc/{owner}").exists() or (own and int(owner) == os.getpid()):
            run("ip", "netns", "del", path.name, check=False)
