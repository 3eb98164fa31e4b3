# SPDX-License-Identifier: Apache-2.0
"""The faults of share_faults: each begins, lasts, and ends; after that, what it broke must come together again.

A fault is a function of a Scene that is a generator: it breaks something, yields the seconds that this is to last,
and mends it. It may yield more than once.
"""

import contextlib
import os
import signal
from pathlib import Path

import harness
from share_servers import DATABASE

FAULTS = {}
WEIGHTS = {}
MOVES = set()  # those that move the primary: one a round
ALONE = set()  # those that have a round for themselves


def fault(weight=1, moves=False, alone=False):
    def enter(function):
        FAULTS[function.__name__] = function
        WEIGHTS[function.__name__] = weight
        if moves:
            MOVES.add(function.__name__)
        if alone:
            ALONE.add(function.__name__)
        return function
    return enter


class Scene:
    """What a fault may touch: the fleet, the book, the writers, a random number generator, and what is broken already."""

    def __init__(self, fleet, book, writers, random, say):  # pylint: disable=too-many-arguments
        self.fleet = fleet
        self.book = book
        self.writers = writers
        self.servers = fleet.servers
        self.proxy = fleet.proxy
        self.random = random
        self.say = say
        self.taken = set()
        self.lacked = 0  # rows that hosts had and a new primary had not

    def host(self, number=1):
        """Hosts that no other fault of this round has; [] if there are not as many."""
        free = [host for host in self.fleet.hosts.values() if host.name not in self.taken]
        if len(free) < number:
            return []
        chosen = self.random.sample(free, number)
        self.taken.update(host.name for host in chosen)
        return chosen

    def take(self, what):
        """False: another fault of this round has it."""
        if what in self.taken:
            return False
        self.taken.add(what)
        return True

    def seconds(self, short=0.1, long=2.5):
        """Mostly short, sometimes longer than any wait of the daemon."""
        return self.random.uniform(5.5, 7) if self.random.random() < 0.06 else self.random.uniform(short, long)


# The daemon

@fault(2)
def kill_daemon(scene):
    for host in scene.host():
        host.kill()
        yield scene.seconds(0, 1.5)
        host.start()


@fault(2)
def stop_daemon(scene):
    for host in scene.host():
        host.signal(signal.SIGSTOP)
        yield scene.seconds(0.1, 5)
        host.signal(signal.SIGCONT)


@fault(1)
def end_daemon(scene):
    """In order, as for an upgrade."""
    for host in scene.host():
        host.signal(signal.SIGTERM)
        host.wait()
        yield scene.seconds(0, 1)
        host.start()


@fault(2)
def full_disk(scene):
    for host in scene.host():
        host.fill_disk()
        yield scene.seconds(0.5, 3)
        host.empty_disk()
        if host.process.poll() is not None:
            scene.say(f"{host.name} ended on a full disk")
            host.process = None
            host.start()


@fault(1)
def clock_off(scene):
    if not os.environ.get("STEP_CLOCK"):
        return
    for host in scene.host():
        host.set_clock(scene.random.choice((-90, -30, 30, 90)))
        yield scene.seconds(1, 3)
        host.set_clock(0)


@fault(1)
def twin(scene):
    """Another daemon with the name and the store of a host that was cut off."""
    for host in scene.host():
        other = scene.fleet.twin(host)
        yield scene.seconds(1, 3)
        other.kill()
        scene.fleet.end_twin(other)


@fault(3)
def rotate_pepper(scene):
    """A new pepper: staged, used and the old one dropped while other things happen, in later rounds too."""
    host = scene.random.choice(list(scene.fleet.hosts.values()))
    yield scene.seconds(0, 1)
    try:
        with harness.Client(host.socket, timeout=8) as client:
            client.call("pepper.rotate")
        scene.book.counts["peppers"] += 1
    except harness.Error as error:
        scene.say(f"pepper.rotate at {host.name}: {error}")
        if error.code not in ("unavailable", "stale", "conflict", "overloaded"):
            raise AssertionError(f"pepper.rotate at {host.name}: {error}") from None
    except (OSError, AssertionError) as error:
        scene.say(f"pepper.rotate at {host.name}: {error!r}")


# Between the daemon and its database

def through_proxy(what, weight=1, short=0.1, long=3, **words):
    def function(scene):
        for host in scene.host():
            scene.proxy.do(host.name, what, **words)
            yield scene.seconds(short, long)
            scene.proxy.mend(host.name)
    function.__name__ = f"proxy_{what}"
    fault(weight)(function)


through_proxy("delay", seconds=0.15)
through_proxy("cut")
through_proxy("mute", weight=2)
through_proxy("hold", weight=2)
through_proxy("lose", weight=3, count=3)
through_proxy("double", weight=3, count=3)
through_proxy("close")


@fault(3)
def part_host(scene):
    for host in scene.host(scene.random.choice((1, 1, 2))):
        host.place.part()
    parted = [host for host in scene.fleet.hosts.values() if host.name in scene.taken]
    yield scene.seconds(0.3, 5)
    for host in parted:
        host.place.mend()


# The database

def client_backends(scene, wait=False):
    """The backends of daemons, those that wait for a standby if so asked."""
    where = "AND wait_event = 'SyncRep'" if wait else ""
    rows = scene.servers.primary.query("SELECT pid FROM pg_stat_activity WHERE backend_type = 'client backend' "
                                       f"AND datname = '{DATABASE}' AND usename = 'authz' {where}")
    return [int(pid) for pid, in rows]


@fault(1)
def kill_backend(scene):
    """PostgreSQL begins again with all its backends."""
    if scene.take("primary"):
        pids = client_backends(scene)
        if pids:
            os.kill(scene.random.choice(pids), signal.SIGKILL)
        yield scene.seconds(0, 1)
        harness.wait_until(scene.servers.primary.answers, what="a server that recovered")


@fault(2)
def stop_backend(scene):
    if scene.take("primary"):
        pids = client_backends(scene)
        chosen = scene.random.sample(pids, min(len(pids), 3))
        for pid in chosen:
            os.kill(pid, signal.SIGSTOP)
        yield scene.seconds(0.1, 3)
        for pid in chosen:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)


@fault(1)
def stop_primary(scene):
    if scene.take("primary"):
        scene.servers.primary.pause()
        yield scene.seconds(0.1, 3)
        scene.servers.primary.resume()


@fault(1)
def kill_primary(scene):
    if scene.take("primary"):
        server = scene.servers.primary
        server.kill()
        yield scene.seconds(0, 1)
        server.start()


@fault(1)
def stop_standby(scene):
    """Nothing is committed for as long, though everything is written on the primary."""
    if scene.take("standby"):
        scene.servers.synchronous.pause()
        yield scene.seconds(0.1, 3)
        scene.servers.synchronous.resume()


@fault(3)
def cancel_wait(scene):
    """Commits whose wait for the standby is cancelled, or whose backend is ended meanwhile, look like successes."""
    if not (scene.take("standby") and scene.take("primary")):
        return
    scene.servers.synchronous.pause()
    how = scene.random.choice(("pg_cancel_backend", "pg_terminate_backend"))
    for _ in range(scene.random.randint(1, 3)):
        yield 0.4
        for pid in client_backends(scene, wait=True):
            scene.servers.primary.query(f"SELECT {how}({pid})")
    yield scene.seconds(0.1, 1)
    scene.servers.synchronous.resume()


@fault(1)
def part_standby(scene):
    if scene.take("standby"):
        scene.servers.synchronous.place.part()
        yield scene.seconds(0.3, 3)
        scene.servers.synchronous.place.mend()


# Programs that have the database

@fault(2)
def alter_rows(scene):
    """A host that lacks rows finds them altered, one left out, or two that changed places, and applies none of them."""
    if not (scene.take("log") and scene.take("primary")):
        return
    hosts = scene.host()
    if not hosts:
        return
    host, = hosts
    host.place.part()
    scene.proxy.do(host.name, "close")  # with the rows that are on their way
    yield 1.5
    server = scene.servers.primary
    rows = server.query("SELECT seq, host FROM authz.log WHERE seq > $1 ORDER BY seq LIMIT 2",
                        [host.shared()["applied"]], database=DATABASE)
    # A row of its own, whose answer it did not get, it knows by its tag, and has as it made it.
    if len(rows) == 2 and rows[0][1] != host.name:
        one, two = rows[0][0], rows[1][0]
        for words in ("DROP TABLE IF EXISTS kept", "CREATE TABLE kept AS SELECT * FROM authz.log WHERE seq IN ($1, $2)"):
            server.query(words.replace("$1", one).replace("$2", two), database=DATABASE)
        how = scene.random.choice(("payload", "host", "asks", "left out", "places"))
        scene.say(f"rows {one} and {two} of {host.name}: {how}")
        change = {
            "payload": f"UPDATE authz.log SET payload = set_byte(payload, 7, 255 - get_byte(payload, 7)) WHERE seq = {one}",
            "host": f"UPDATE authz.log SET host = 'h9' WHERE seq = {one}",
            "asks": f"UPDATE authz.log SET asks = 1 - asks WHERE seq = {one}",
            "left out": f"DELETE FROM authz.log WHERE seq = {one}",
            "places": f"UPDATE authz.log SET seq = -{one} WHERE seq = {one}",
        }[how]
        server.query(change, database=DATABASE)
        if how == "places":
            server.query(f"UPDATE authz.log SET seq = {one} WHERE seq = {two}", database=DATABASE)
        host.place.mend()
        yield scene.random.uniform(2, 3)
        applied = host.shared()["applied"]
        if applied >= int(one):
            raise AssertionError(f"{host.name} applied row {applied}, and {one} was altered: {how}")
        server.query(f"DELETE FROM authz.log WHERE seq IN ({one}, {two}, -{one})", database=DATABASE)
        server.query("INSERT INTO authz.log SELECT * FROM kept", database=DATABASE)
        server.query("DROP TABLE kept", database=DATABASE)
    host.place.mend()
