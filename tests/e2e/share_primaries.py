# SPDX-License-Identifier: Apache-2.0
"""The faults of share_faults after which another server is the primary."""

import contextlib
import os
import signal
from pathlib import Path

import harness
from share_book import Key
from share_kinds import client_backends, fault
from share_servers import DATABASE
from share_writers import pause


def cancel_some(scene):
    """Rows that only the old primary has."""
    scene.servers.synchronous.pause()
    yield scene.random.uniform(0.2, 0.6)
    for pid in client_backends(scene, wait=True):
        scene.servers.primary.query(f"SELECT pg_cancel_backend({pid})")
    yield scene.random.uniform(0.1, 0.5)


def move_to(scene, new, hosts=None):
    """That standby becomes the primary, of all hosts or of these."""
    scene.servers.promote(new)
    end = int(new.query("SELECT seq FROM authz.head", database=DATABASE)[0][0])
    scene.fleet.aim(hosts=hosts)
    for host in scene.fleet.hosts.values():
        with contextlib.suppress(OSError, AssertionError, harness.Error):
            with harness.Client(host.socket, timeout=2) as client:
                scene.lacked = max(scene.lacked, client.call("status")["shared"]["applied"] - end)


@fault(3, moves=True)
def promote(scene):
    """The old primary is fenced; some rows may be on it alone, which hosts have applied."""
    old, new = scene.servers.primary, scene.servers.synchronous
    if scene.random.random() < 0.5:
        yield from cancel_some(scene)
    old.kill()
    new.resume()
    yield scene.seconds(0, 1)
    move_to(scene, new)
    yield scene.seconds(0, 1)
    scene.servers.rebuild()


@fault(2, moves=True)
def two_primaries(scene):
    """The old primary goes on, and some hosts with it; nothing is committed there, since its standby has gone."""
    old, new = scene.servers.primary, scene.servers.synchronous
    if scene.random.random() < 0.5:
        yield from cancel_some(scene)
        new.resume()
    moved = scene.random.sample(list(scene.fleet.hosts), scene.random.randint(1, len(scene.fleet.hosts)))
    move_to(scene, new, moved)
    for name in moved:
        scene.proxy.do(name, "close")
    third = next(server for server in scene.servers.all if server not in (old, new))
    third.copy(new)
    new.standbys = f"FIRST 1 ({third.name})"
    new.reload()
    yield scene.seconds(1, 6)
    old.kill()
    scene.fleet.aim()
    scene.servers.rebuild()


@fault(2, moves=True)
def promote_asynchronous(scene):
    """It lacks what the last changes were: the hosts, which have it, give it back."""
    with lagging(scene):
        yield scene.random.uniform(0.05, 0.8)
    move_to(scene, scene.servers.asynchronous)
    yield scene.seconds(0, 1)
    scene.servers.rebuild()


@contextlib.contextmanager
def lagging(scene):
    """The asynchronous standby receives nothing meanwhile, and then it alone is left."""
    new = scene.servers.asynchronous
    for pid in new.pids():
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            if "walreceiver" in Path(f"/proc/{pid}/cmdline").read_text():
                os.kill(pid, signal.SIGSTOP)
    yield
    scene.servers.primary.kill()
    scene.servers.synchronous.kill()
    new.kill()  # with what its socket has
    new.start()


# A host that has diverged

@fault(2, moves=True, alone=True)
def diverge(scene):
    """A host has changes that the log lost, and another host their place: it stops until it rejoins, and what these
    changes touched is disabled everywhere. Writers wait, since what they were answered may be lost."""
    pause(scene.writers)
    scene.fleet.await_whole()
    first, *others = scene.random.sample(list(scene.fleet.hosts.values()), 3)
    keys = [make_key(scene, first) for _ in range(2)]
    scene.fleet.await_whole()
    harness.wait_until(lambda: end_of(scene.servers.asynchronous) == end_of(scene.servers.primary), what="a standby that has all")
    for host in others:
        host.place.part()
    with lagging(scene):
        wanted = [("keys.update", keys[0].id), ("keys.disable", keys[1].id)]
        first.call("keys.update", id=keys[0].id, label="lost")
        first.call("keys.disable", id=keys[1].id)
        yield scene.random.uniform(0, 0.3)
        first.place.part()
    move_to(scene, scene.servers.asynchronous)
    scene.servers.rebuild()
    for host in others:
        host.place.mend()
    harness.wait_until(lambda: is_made(scene, others[0]), 60, what=f"a change at {others[0].name}")
    first.place.mend()
    harness.wait_until(lambda: first.shared()["diverged"], 60, what=f"{first.name} diverged")
    lost = [(item["action"], item["target"]) for item in first.call("store.rejoin")["items"]]
    if lost[:2] != wanted:
        raise AssertionError(f"{first.name} lost {lost}, and must have lost {wanted}")
    rejoin(scene, first)


def make_key(scene, host):
    """It will be disabled by the rejoin, and the book says so from the beginning: no writer touches it."""
    key = Key(f"d{scene.book.number()}", None)
    made = host.call("keys.create", principal="p0", name=key.name)
    key.id, key.secret, key.status = made["id"], made["secret"], "inactive"
    with scene.book.lock:
        scene.book.keys[key.name] = key
        scene.book.effects["keys.create", key.id] += 1
    return key


def end_of(server):
    return server.query("SELECT seq, tag FROM authz.head", database=DATABASE)


def is_made(scene, host):
    try:
        return host.call("principals.update", id="p1", name=f"n{scene.book.number()}")
    except (harness.Error, OSError, AssertionError):
        return False


def rejoin(scene, host):
    answer = host.call("store.rejoin", confirm=True)
    scene.say(f"{host.name} rejoined: {answer['denied']} disabled")
    scene.book.counts["rejoined"] += 1
    if answer["denied"] != 2:
        raise AssertionError(f"{host.name} rejoined, and disabled {answer['denied']} in place of 2")
    (host.state / Path(answer["copy"]).name).unlink()  # its disk is small
    harness.wait_until(lambda: host.shared()["marks"] == 0, 60, what="what was lost disabled in the log")
