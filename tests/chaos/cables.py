"""The cables between the hosts of a network, and what can be wrong with them.

Two kinds. `BridgedCables`: pairs of virtual cards on a kernel's bridge, with tc's netem where the kernel has it. Where it has
not, `SwitchedCables`: each host has a tap device, and this program is the switch between them, so that it decides how long
each packet takes and whether it arrives. The TCP stacks are the kernel's in both.
"""

import collections
import fcntl
import heapq
import os
import pathlib
import random
import selectors
import struct
import threading
import time

from namespaces import Namespace, run

TUNSETIFF = 0x400454CA
IFF_TAP = 0x0002
IFF_NO_PI = 0x1000
FRAME = 2048
# What waits in one direction of a cable; a switch has no more, and drops the rest.
QUEUE_FRAMES = 1000


class Quality:
    """Of one direction between two hosts. Seconds, and a share of packets."""

    def __init__(self, delay=0.0, jitter=0.0, loss=0.0):
        self.delay, self.jitter, self.loss = delay, jitter, loss


def mac_of(number):
    return bytes((2, 0x54, 0x4E, 0, 0, number))


def text_of(mac):
    return ":".join(f"{x:02x}" for x in mac)


def set_up_card(namespace, number, count, address):
    """The card `eth0` of a host: address, fixed neighbours (what is lost is IP then, not the question who has it)."""
    namespace.ip("link", "set", "eth0", "address", text_of(mac_of(number)))
    namespace.ip("addr", "add", f"{address(number)}/24", "dev", "eth0")
    namespace.ip("link", "set", "eth0", "up")
    for other in range(1, count + 1):
        if other != number:
            namespace.ip("neigh", "replace", address(other), "lladdr", text_of(mac_of(other)), "dev", "eth0",
                         "nud", "permanent")


class SwitchedCables:
    """This program between tap devices."""

    name = "a switch of our own between tap devices: one-way drops, latency, jitter and loss"
    can_delay = True

    def __init__(self, hosts, address, seed):
        self.random = random.Random(seed)
        self.lock = threading.Lock()
        self.quality = {}   # (from, to): Quality
        self.blocked = set()  # (from, to)
        self.frames = self.lost = 0
        self.waiting = []   # heap of (time, order, to, frame)
        self.order = 0
        self.last_due = collections.defaultdict(float)
        self.queued = collections.Counter()
        self.taps = {}
        for number, namespace in hosts.items():
            self.taps[number] = namespace.inside(self._open_tap)
            set_up_card(namespace, number, len(hosts), address)
        self.by_mac = {mac_of(number): number for number in hosts}
        self.stopping = False
        self.wake_read, self.wake_write = os.pipe()
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    @staticmethod
    def _open_tap():
        fd = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
        fcntl.ioctl(fd, TUNSETIFF, struct.pack("16sH22x", b"eth0", IFF_TAP | IFF_NO_PI))
        return fd

    def set_quality(self, source, target, quality):
        with self.lock:
            self.quality[source, target] = quality

    def block(self, source, target, blocked):
        with self.lock:
            (self.blocked.add if blocked else self.blocked.discard)((source, target))

    def close(self):
        self.stopping = True
        os.write(self.wake_write, b"x")
        self.thread.join()
        for fd in (*self.taps.values(), self.wake_read, self.wake_write):
            os.close(fd)

    def _run(self):
        selector = selectors.DefaultSelector()
        for number, fd in self.taps.items():
            selector.register(fd, selectors.EVENT_READ, number)
        selector.register(self.wake_read, selectors.EVENT_READ, None)
        while not self.stopping:
            pause = max(0.0, self.waiting[0][0] - time.monotonic()) if self.waiting else None
            for key, _ in selector.select(pause):
                if key.data is not None:
                    self._read(key.fd, key.data)
            self._deliver()

    def _read(self, fd, source):
        for _ in range(64):
            try:
                frame = os.read(fd, FRAME)
            except (BlockingIOError, OSError):
                return
            target = self.by_mac.get(frame[:6])
            if target is None:
                continue  # a broadcast: neighbours are known, and nothing else needs one
            self._take(source, target, frame)

    def _take(self, source, target, frame):
        way = source, target
        now = time.monotonic()
        with self.lock:
            self.frames += 1
            quality = self.quality.get(way) or Quality()
            if (way in self.blocked or self.random.random() < quality.loss
                    or self.queued[way] >= QUEUE_FRAMES):
                self.lost += 1
                return
            due = now + quality.delay + self.random.random() * quality.jitter
            # A cable does not change the order.
            self.last_due[way] = due = max(due, self.last_due[way])
        self.queued[way] += 1
        self.order += 1
        heapq.heappush(self.waiting, (due, self.order, way, frame))

    def _deliver(self):
        now = time.monotonic()
        while self.waiting and self.waiting[0][0] <= now:
            _, _, way, frame = heapq.heappop(self.waiting)
            self.queued[way] -= 1
            try:
                os.write(self.taps[way[1]], frame)
            except OSError:
                pass  # its queue is full, or the host is going


class BridgedCables:
    """A bridge in a namespace of its own. A direction is dropped by a neighbour that nobody is."""

    def __init__(self, hosts, address, seed):
        self.hosts, self.address = hosts, address
        self.hub = Namespace("hub")
        self.hub.ip("link", "add", "br0", "type", "bridge")
        self.hub.ip("link", "set", "br0", "up")
        for number, namespace in hosts.items():
            self.hub.ip("link", "add", f"v{number}", "type", "veth", "peer", "name", "eth0", "netns", namespace.name)
            self.hub.ip("link", "set", f"v{number}", "master", "br0")
            self.hub.ip("link", "set", f"v{number}", "up")
            set_up_card(namespace, number, len(hosts), address)
        self.can_delay = netem_works(next(iter(hosts.values())))
        self.name = "a bridge: one-way drops" + (
            ", latency and loss by netem" if self.can_delay
            else "; no latency and no loss, for this kernel has neither netem nor /dev/net/tun")
        self.frames = self.lost = None

    def set_quality(self, source, target, quality):
        # netem is a card's, not a direction's: the quality of a host's way out is that to whoever was set last.
        if self.can_delay:
            run("tc", "-n", self.hosts[source].name, "qdisc", "replace", "dev", "eth0", "root", "netem",
                "delay", f"{quality.delay * 1000:.0f}ms", f"{quality.jitter * 500:.0f}ms",
                "loss", f"{quality.loss * 100:.1f}%", "limit", QUEUE_FRAMES)

    def block(self, source, target, blocked):
        mac = bytes((2, 0x54, 0x4E, 0xFF, 0xFF, 0xFF)) if blocked else mac_of(target)
        self.hosts[source].ip("neigh", "replace", self.address(target), "lladdr", text_of(mac), "dev", "eth0",
                              "nud", "permanent")

    def close(self):
        self.hub.remove()


def netem_works(namespace):
    tried = run("tc", "-n", namespace.name, "qdisc", "add", "dev", "eth0", "root", "netem", "delay", "1ms", check=False)
    if tried.returncode != 0:
        return False
    run("tc", "-n", namespace.name, "qdisc", "del", "dev", "eth0", "root")
    return True


def lay_cables(hosts, address, seed):
    """`hosts`: namespaces by number from 1; `address(number)` gives an IP. The kernel's netem if it has it."""
    probe = Namespace("probe")
    probe.ip("link", "add", "eth0", "type", "veth", "peer", "name", "eth1")
    netem = netem_works(probe)
    probe.remove()
    if netem or not pathlib.Path("/dev/net/tun").exists():
        return BridgedCables(hosts, address, seed)
    return SwitchedCables(hosts, address, seed)
