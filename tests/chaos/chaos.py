"""A network of real nodes, each on a host of its own, and everything that can happen to it.

For some minutes cables are cut and drop one direction only, lines get slow and lossy, processes are frozen (SIGSTOP), killed
(SIGKILL), stopped in order and started again, with their disks and without. Then all is mended, and within a minute each pair
of nodes has to have exactly one connection, with both ends agreeing on it, and all nodes the same tip. Beside that:

  - no node ends by itself, and none counts a violation of an invariant;
  - no honest node is banned;
  - a pair that nothing stands between is connected within a minute, all through the run;
  - a connection that nothing happens to does not change.

The exit status is 0 only if all of this held, and if what it needs to be seen was seen: nodes, links, blocks, faults of every
kind that is possible here, and connections that ended because of them.
"""

import argparse
import atexit
import itertools
import os
import pathlib
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time

from cables import Quality, lay_cables
from hosts import Host, RpcError, View
from namespaces import Namespace, remove_leftovers, why_not

SKIPPED = 77  # what test programs say when they could not run
POLL = 1.0
# Nothing heard of a peer for this long ends a connection, and then the other end may still have to find out by a ping: so
# long after a fault its consequences may come.
AFTERMATH = 135.0
# A pair has to be connected this long after nothing stands between it any more (invariant one-link), and the views of its
# ends are as old as a poll.
APART = 60.0 + 3 * POLL


def address(number):
    return f"10.77.0.{number}"


class Fault:
    """Something that is wrong for a while, between some hosts."""

    def __init__(self, kind, words, pairs, begin, end, seconds, hosts=()):
        self.kind, self.words, self.pairs, self.hosts = kind, words, set(pairs), set(hosts)
        self.begin, self.end, self.seconds = begin, end, seconds
        self.over_at = None


class Pair:
    """What is known of two hosts: since when nothing stands between them, and whether they are connected."""

    def __init__(self):
        self.clear_since = 0.0   # 0: something does
        self.last_fault = 0.0
        self.apart_since = None
        self.longest = 0.0
        self.link = None         # the numbers that both ends have for it
        self.changes = 0         # of a connection that nothing happened to
        self.seen = 0


class Chaos:
    def __init__(self, options):
        self.options = options
        self.random = random.Random(options.seed)
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="timenode-chaos-"))
        self.hosts, self.namespaces = {}, []
        self.cables = None
        self.faults, self.history = [], []
        self.pairs = {pair: Pair() for pair in itertools.combinations(range(1, options.nodes + 1), 2)}
        self.views = {}
        self.problems = []
        self.polls = 0
        self.most_links = 0
        self.began = time.monotonic()

    # -- making and removing -----------------------------------------------------------------

    def say(self, text):
        print(f"{time.monotonic() - self.began:7.1f} s  {text}", flush=True)

    def set_up(self):
        remove_leftovers()
        spaces = {}
        for number in range(1, self.options.nodes + 1):
            spaces[number] = Namespace(f"host{number}")
            self.namespaces.append(spaces[number])
        self.cables = lay_cables(spaces, address, self.options.seed)
        self.say(f"{len(spaces)} hosts on {self.cables.name}")
        for number, namespace in spaces.items():
            # Two of them are known to everybody; the others have to be found.
            peers = [address(x) for x in (1, 2) if x != number]
            self.hosts[number] = Host(number, namespace, address(number), peers, self.directory / f"host{number}",
                                      self.options.timenode)
        if self.cables.can_delay:
            for source, target in itertools.permutations(spaces, 2):
                self.cables.set_quality(source, target, self.usual(source, target))
        chain = pathlib.Path(__file__).resolve().parents[1] / "data" / "testnet-0-2000.jsonl.xz"
        done = subprocess.run([self.options.timenode, "import", str(chain), "--network", "testnet", "--data-dir",
                               str(self.hosts[1].data)], capture_output=True, text=True)
        if done.returncode != 0:
            raise RuntimeError(f"import failed: {done.stderr}")
        for host in self.hosts.values():
            host.start()

    def clean_up(self):
        for host in self.hosts.values():
            if host.alive:
                host.process.kill()
                host.process.wait()
        if self.cables is not None:
            self.cables.close()
        remove_leftovers(own=True)
        self.namespaces, self.hosts, self.cables = [], {}, None
        if self.options.keep:
            print(f"logs are kept in {self.directory}")
        else:
            shutil.rmtree(self.directory, ignore_errors=True)

    @staticmethod
    def usual(source, target):
        """Lines as between sites: 4 to 60 ms, the same both ways, some jitter, and one packet in 500 is lost."""
        low, high = sorted((source, target))
        return Quality(delay=0.004 + 0.008 * ((low * 7 + high * 3) % 8), jitter=0.004, loss=0.002)

    # -- faults --------------------------------------------------------------------------------

    def pairs_of(self, *numbers):
        return [pair for pair in self.pairs if set(pair) & set(numbers)]

    def block(self, ways, blocked):
        for source, target in ways:
            self.cables.block(source, target, blocked)

    def length(self, longest):
        """Mostly short, at times beyond the 90 s after which a silent peer is dead; never beyond a third of the run."""
        longest = min(longest, self.options.seconds / 3)
        return min(longest, 2 + self.random.expovariate(3 / longest))

    def make_cut(self):
        one, other = self.random.sample(sorted(self.hosts), 2)
        ways = [(one, other), (other, one)]
        return Fault("link cut", f"nothing passes between {one} and {other}", [tuple(sorted((one, other)))],
                     lambda: self.block(ways, True), lambda: self.block(ways, False), self.length(150))

    def make_isolation(self):
        one = self.random.choice(sorted(self.hosts))
        others = [x for x in self.hosts if x != one]
        ways = [(one, x) for x in others] + [(x, one) for x in others]
        return Fault("isolation", f"host {one} is cut off", self.pairs_of(one), lambda: self.block(ways, True),
                     lambda: self.block(ways, False), self.length(150))

    def make_partition(self):
        side = set(self.random.sample(sorted(self.hosts), len(self.hosts) // 2))
        ways = [(a, b) for a, b in itertools.permutations(self.hosts, 2) if (a in side) != (b in side)]
        return Fault("partition", f"hosts {sorted(side)} are apart from the others",
                     {tuple(sorted(way)) for way in ways}, lambda: self.block(ways, True),
                     lambda: self.block(ways, False), self.length(150))

    def make_one_way(self):
        one, other = self.random.sample(sorted(self.hosts), 2)
        return Fault("one-way drop", f"what {one} sends to {other} is lost", [tuple(sorted((one, other)))],
                     lambda: self.block([(one, other)], True), lambda: self.block([(one, other)], False),
                     self.length(150))

    def make_bad_line(self):
        one = self.random.choice(sorted(self.hosts))
        ways = [way for way in itertools.permutations(self.hosts, 2) if one in way]
        loss, delay = self.random.choice([(0.3, 0.05), (0.1, 0.4), (0.02, 1.0)])

        def set_all(bad):
            for way in ways:
                self.cables.set_quality(*way, Quality(delay, delay / 2, loss) if bad else self.usual(*way))
        return Fault("latency and loss", f"the lines of {one} lose {loss:.0%} and take {delay * 1000:.0f} ms",
                     self.pairs_of(one), lambda: set_all(True), lambda: set_all(False), self.length(90))

    def running(self):
        busy = {number for fault in self.faults for number in fault.hosts}
        return [number for number, host in self.hosts.items() if host.alive and number not in busy]

    def make_freeze(self):
        one = self.random.choice(self.running())
        host = self.hosts[one]
        return Fault("SIGSTOP", f"node {one} is frozen", self.pairs_of(one), host.freeze, host.thaw, self.length(120),
                     [one])

    def make_kill(self):
        one = self.random.choice(self.running())
        host = self.hosts[one]
        wipe = one != 1 and self.random.random() < 0.3
        words = f"node {one} is killed" + (" and loses its disk" if wipe else "")
        return Fault("SIGKILL", words, self.pairs_of(one), lambda: host.kill(wipe), host.start, self.length(40), [one])

    def make_stop(self):
        # A process that does not answer yet may not have asked for its signals either, and SIGTERM just ends it.
        one = self.random.choice([number for number in self.running() if number in self.views] or self.running())
        host = self.hosts[one]
        return Fault("restart", f"node {one} is stopped in order", self.pairs_of(one), host.stop, host.start,
                     self.length(20), [one])

    def kinds(self):
        result = [self.make_cut, self.make_isolation, self.make_partition, self.make_one_way, self.make_freeze,
                  self.make_kill, self.make_stop]
        return result + [self.make_bad_line] if self.cables.can_delay else result

    def may_begin(self, fault):
        """Two faults that set the same switch would undo each other; and something has to be left that works."""
        on_wire = ("link cut", "isolation", "partition", "one-way drop", "latency and loss")
        for other in self.faults:
            if fault.pairs & other.pairs and (fault.kind in on_wire) == (other.kind in on_wire):
                return False
        return not fault.hosts or len(self.running()) > len(self.hosts) // 2

    def disturb(self, now):
        for fault in [x for x in self.faults if x.over_at <= now]:
            self.end_fault(fault)
        if len(self.faults) >= 3 or now < self.next_fault:
            return
        self.next_fault = now + self.random.uniform(2, 8)
        # Every kind has its turn before one comes again.
        if not self.bag:
            self.bag = self.kinds()
            self.random.shuffle(self.bag)
        if not self.running():
            return
        fault = self.bag[-1]()
        if not self.may_begin(fault):
            self.random.shuffle(self.bag)
            return
        self.bag.pop()
        self.begin_fault(fault, now)

    def begin_fault(self, fault, now):
        self.say(f"{fault.words}, for {fault.seconds:.0f} s")
        self.faults.append(fault)
        self.history.append(fault.kind)
        fault.over_at = now + fault.seconds
        self.note_disturbed(fault.pairs)
        fault.begin()

    def end_fault(self, fault):
        fault.end()
        self.faults.remove(fault)
        self.note_disturbed(fault.pairs)

    def note_disturbed(self, pairs):
        for pair in pairs:
            self.pairs[pair].clear_since = 0.0
            self.pairs[pair].last_fault = time.monotonic()

    # -- looking -------------------------------------------------------------------------------

    def look(self):
        self.polls += 1
        self.views = {}
        for number, host in self.hosts.items():
            host.check_alive()
            if host.problems:
                self.problems += host.problems
                host.problems = []
            if not host.alive or host.frozen:
                continue
            try:
                self.views[number] = View(host)
            except (OSError, RpcError, ValueError) as error:
                if not any(number in fault.hosts for fault in self.faults):
                    self.say(f"node {number} did not answer: {error}")
        for number, view in self.views.items():
            if view.violations:
                self.note(f"node {number} counts violations of invariants: {view.violations}")
            if view.banned:
                self.note(f"node {number} bans honest nodes: {[(x['address'], x['reason']) for x in view.banned]}")
        now = time.monotonic()
        disturbed = set().union(*(fault.pairs for fault in self.faults)) if self.faults else set()
        for pair, x in self.pairs.items():
            self.look_at(pair, x, pair in disturbed, now)
        self.most_links = max(self.most_links, sum(x.link is not None for x in self.pairs.values()))

    def note(self, problem):
        if problem not in self.problems:
            self.problems.append(problem)
            self.say(f"PROBLEM: {problem}")

    def link_of(self, pair):
        """What both ends hold for their one connection; None: they do not."""
        one, other = pair
        if one not in self.views or other not in self.views:
            return None
        here = self.views[one].links.get(address(other), [])
        there = self.views[other].links.get(address(one), [])
        if len(here) != 1 or len(there) != 1 or here[0][1] == there[0][1]:
            return None
        # A number is one process's own: after a restart it means another connection.
        return here[0][0], there[0][0], self.hosts[one].starts, self.hosts[other].starts

    def look_at(self, pair, x, disturbed, now):
        if disturbed or any(number not in self.views for number in pair):
            x.clear_since, x.apart_since, x.last_fault = 0.0, None, now
            x.link = self.link_of(pair)
            return
        if x.clear_since == 0.0:
            x.clear_since = now
        link = self.link_of(pair)
        if link is None:
            x.apart_since = x.apart_since or now
            x.longest = max(x.longest, now - x.apart_since)
            if now - x.apart_since > APART:
                self.note(f"hosts {pair[0]} and {pair[1]} are not connected by one link, though nothing stands between "
                          f"them for {APART:.0f} s: {self.explain(pair)}")
        else:
            x.seen += 1
            x.apart_since = None
            if x.link is not None and link != x.link and now - x.last_fault > AFTERMATH:
                x.changes += 1
                self.note(f"the connection of {pair[0]} and {pair[1]} changed, though nothing had happened to it for "
                          f"{now - x.last_fault:.0f} s")
        x.link = link

    def explain(self, pair):
        result = []
        for one, other in (pair, pair[::-1]):
            done = subprocess.run(self.hosts[one].namespace.execute(
                self.options.timenode, "explain", "peer", address(other), "--rpc", "127.0.0.1:24101"),
                capture_output=True, text=True)
            result.append(f"\n{one} says of {other}:\n{done.stdout or done.stderr}")
        return "".join(result)

    # -- the run ---------------------------------------------------------------------------------

    def settled(self):
        return (len(self.views) == len(self.hosts) and all(x.link is not None for x in self.pairs.values())
                and len({view.tip for view in self.views.values()}) == 1)

    def wait_settled(self, seconds):
        began = time.monotonic()
        while time.monotonic() - began < seconds:
            self.look()
            if self.settled():
                return time.monotonic() - began
            time.sleep(POLL / 2)
        return None

    def run(self):
        self.set_up()
        settled = self.wait_settled(120 * self.options.patience)
        if settled is None:
            self.note("the network did not come up within two minutes")
            return
        self.say(f"up after {settled:.0f} s: {len(self.pairs)} pairs with one connection, height "
                 f"{self.views[1].height}")
        self.next_fault, self.bag = 0.0, []
        end = time.monotonic() + self.options.seconds
        while time.monotonic() < end:
            self.disturb(time.monotonic())
            self.look()
            time.sleep(POLL)
        for fault in list(self.faults):
            self.end_fault(fault)
        self.say("all is mended")
        settled = self.wait_settled(APART * self.options.patience)
        if settled is None:
            apart = [pair for pair, x in self.pairs.items() if x.link is None]
            self.note(f"a minute after all was mended, these pairs do not have one connection: {apart}; heights "
                      f"{[view.height for view in self.views.values()]}" + "".join(map(self.explain, apart[:3])))
        else:
            self.say(f"one link a pair and equal tips {settled:.0f} s later")
        self.quiet()

    def quiet(self):
        """For half a minute nothing happens, and nothing may change, but what the last faults still cause.

        A long run waits for that to be over first. In a short one it would take longer than the faults: there a pair
        that was disturbed lately may change once more, and has to be connected at the end.
        """
        if self.options.seconds >= 2 * AFTERMATH:
            self.say(f"what the last faults still cause comes within {AFTERMATH:.0f} s")
            self.watch(lambda: all(time.monotonic() - x.last_fault > AFTERMATH for x in self.pairs.values()))
        before = {pair: x.link for pair, x in self.pairs.items()}
        began = time.monotonic()
        self.watch(lambda: time.monotonic() - began > 30)
        changed = [pair for pair, x in self.pairs.items() if x.link != before[pair]]
        without_cause = [pair for pair in changed if began - self.pairs[pair].last_fault > AFTERMATH]
        if without_cause:
            self.note(f"connections changed while nothing happened: {without_cause}")
        if changed != without_cause:
            self.say(f"connections that changed soon after a fault: {sorted(set(changed) - set(without_cause))}")
            if self.wait_settled(APART * self.options.patience) is None:
                self.note("not all pairs have a connection again after such a change")

    def watch(self, over):
        while not over():
            time.sleep(POLL)
            self.look()

    # -- the verdict -----------------------------------------------------------------------------

    def verdict(self):
        """What was seen, and whether it was enough to say anything."""
        ended, refused = {}, {}
        for host in self.hosts.values():
            for counts, total, now in ((host.ended, ended, host.ended_now), (host.refused, refused, host.refused_now)):
                for name, count in itertools.chain(counts.items(), now.items()):
                    total[name] = total.get(name, 0) + count
        counts = {kind: self.history.count(kind) for kind in sorted(set(self.history))}
        heights = {view.height for view in self.views.values()}
        links = sum(x.link is not None for x in self.pairs.values())
        longest = max(x.longest for x in self.pairs.values())
        print()
        print(f"nodes          {len(self.views)} of {len(self.hosts)} answer, heights {sorted(heights)}")
        print(f"links          {links} of {len(self.pairs)} pairs have exactly one, as both ends see it")
        print(f"faults         {len(self.history)}: " + ", ".join(f"{count} {kind}" for kind, count in counts.items()))
        if self.cables.frames is not None:
            print(f"packets        {self.cables.frames}, of which {self.cables.lost} were dropped")
        print("ended          " + (", ".join(f"{count} {cause}" for cause, count in sorted(ended.items())) or "none"))
        print("refused        " + (", ".join(f"{count} {cause}" for cause, count in sorted(refused.items())) or "none"))
        print(f"apart          a pair with nothing between it, at the longest {longest:.0f} s")
        print(f"looks          {self.polls}, with {sum(x.seen for x in self.pairs.values())} sightings of a link between "
              "a pair with nothing between it")
        # Who is killed or restarted is missed by each of the others, unless it was cut off from half of them. (A dial that failed
        # ended no connection.)
        deaths = counts.get("SIGKILL", 0) + counts.get("restart", 0)
        lost = sum(count for cause, count in ended.items() if cause != "connect failed")
        missing = {maker.__name__ for maker in self.kinds()} if not self.history else set()
        kinds_possible = 8 if self.cables.can_delay else 7
        for seen, what in ((len(self.views) == self.options.nodes, "all nodes"),
                           (links == len(self.pairs), "a link of every pair"),
                           (heights == {2000}, "2,000 blocks on every node"),
                           (len(counts) == kinds_possible, f"faults of all {kinds_possible} kinds"),
                           (not missing, "any fault"),
                           (2 * lost >= deaths * (len(self.hosts) - 1) and lost > 0, "connections that the faults ended"),
                           (self.views and min(view.pings for view in self.views.values()) > 0, "answered pings")):
            if not seen:
                self.note(f"not seen: {what}")
        print()
        if self.problems:
            print(f"FAILED: {len(self.problems)} problems; seed {self.options.seed}")
            for problem in self.problems:
                print(f"  - {problem}")
        else:
            print(f"OK: {len(self.hosts)} nodes, {len(self.history)} faults in {self.options.seconds:.0f} s, one link a pair "
                  f"and equal tips; seed {self.options.seed}")
        return 1 if self.problems else 0


def main():
    parser = argparse.ArgumentParser(prog="chaos.sh", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, help="how long the faults last; default: 15")
    parser.add_argument("--seconds", type=float, help="the same")
    parser.add_argument("--nodes", type=int, default=8, help="default: 8")
    parser.add_argument("--seed", type=int, help="which faults; default: any")
    parser.add_argument("--patience", type=float, default=1.0, help="for slow machines: how much longer to wait at the end")
    parser.add_argument("--keep", action="store_true", help="keep the nodes' logs and data")
    parser.add_argument("--timenode", default=os.environ.get("TIMENODE"), help="the program")
    options = parser.parse_args()
    options.seconds = options.seconds or 60 * (options.minutes or 15)
    options.seed = options.seed if options.seed is not None else random.SystemRandom().randrange(1 << 32)
    if not 3 <= options.nodes <= 100:
        parser.error("--nodes: from 3 to 100")
    reason = why_not()
    if reason is not None:
        print(f"skipped: {reason}")
        return SKIPPED
    chaos = Chaos(options)
    # Ctrl+C, a closed terminal and a kill all go through the cleaning up.
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: sys.exit(1))
    atexit.register(chaos.clean_up)
    print(f"chaos: {options.nodes} nodes, {options.seconds:.0f} s of faults, seed {options.seed}")
    try:
        chaos.run()
        return chaos.verdict()
    except KeyboardInterrupt:
        print("interrupted")
        return 1


if __name__ == "__main__":
    sys.exit(main())
