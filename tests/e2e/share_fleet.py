# SPDX-License-Identifier: Apache-2.0
"""Hosts with daemons that share one store: each in a namespace of its own, with a small disk, a clock that can be
set, and a proxy before its database.

    with share_fleet.Fleet(("h1", "h2", "h3")) as fleet:
        fleet.share()
        fleet.hosts["h2"].call("status")
        fleet.await_whole()
"""

import json
import os
import shutil
import signal
import struct
import tempfile
from pathlib import Path

import harness
import share_network
import share_proxy
import share_servers

POLICY = {"a.policy": """\
environment live prefix liq_live_
tree api {
    /loans { list GET, create POST, /{loan} { read GET, delete DELETE } }
}
role viewer { allow GET on api:/** }
role clerk inherits viewer { allow create on api:/loans }
"""}

CONNINFO = f"host=127.0.0.1 port={share_proxy.PORT} dbname={share_servers.DATABASE} user=authz"
DISK = 128 << 20  # of which the records of 200 rounds take a third
MEMORY = "/dev/shm"  # where fsync costs nothing
MAX_LAG = "3s"


class Host(harness.Daemon):
    """A daemon at its place. `others`: more lines of its configuration."""

    def __init__(self, name, place, folder, shared=CONNINFO, others=""):
        self.name = name
        self.place = place
        folder = Path(folder)
        folder.mkdir()
        super().__init__(POLICY, "--config", str(folder / "conf"), folder=folder, start=False)
        self.conf = folder / "conf"
        self.added = folder / "added"
        self.added.write_bytes(struct.pack("=qq", 0, 0))
        share_network.mount_small(self.state, DISK)
        self.configure(shared, others)
        self.is_stopped = False
        self.seconds = 0
        self.filler = self.state / "filler"

    def configure(self, shared, others=""):
        line = f"shared {shared}\n" if shared else ""
        self.conf.write_text(f"{line}host {self.name}\n{others}")
        self.prefix = list(self.place.prefix)
        library = os.environ.get("STEP_CLOCK")
        if library:
            self.prefix += ["env", f"LD_PRELOAD={library}", f"STEP_CLOCK_FILE={self.added}"]

    def set_clock(self, seconds):
        self.seconds = seconds
        with open(self.added, "r+b") as file:
            file.write(struct.pack("=q", seconds))

    def fill_disk(self):
        with open(self.filler, "wb", buffering=0) as file:
            try:
                while file.write(bytes(1 << 16)):
                    pass
            except OSError:
                pass

    def empty_disk(self):
        self.filler.unlink(missing_ok=True)

    def tool_json(self, *words):
        """What authzcheck says as JSON; AssertionError if it fails."""
        done = self.tool("--json", *words)
        assert done.returncode == 0, f"{words}: {done.stdout}{done.stderr}\n{self.log()[-2000:]}"
        return json.loads(done.stdout)

    def said(self, *words, status=0):
        done = self.tool(*words)
        assert done.returncode == status, f"{words}: {done.returncode} {done.stdout}{done.stderr}\n{self.log()[-2000:]}"
        return done.stdout + done.stderr

    def shared(self):
        return self.call("status").get("shared", {})

    def take_secrets(self, first):
        shutil.copy(first.state / "pepper", self.state / "pepper")

    def finish(self):
        if self.process is not None:
            self.kill()
        share_network.unmount(self.state)


class Fleet:
    def __init__(self, names=("h1", "h2", "h3"), folder=None, servers=("a", "b", "c")):
        why = share_network.enter()
        assert why is None, why
        self.folder = Path(folder or tempfile.mkdtemp(prefix="authz-share-", dir=MEMORY if os.access(MEMORY, os.W_OK) else None))
        self.folder.chmod(0o755)
        self.servers = self.proxy = None
        self.hosts = {}
        try:
            self.places = {name: share_network.Place(name, 1 + at) for at, name in enumerate(names)}
            self.servers = share_servers.Servers(self.folder, servers)
            self.proxy = share_proxy.Proxy(self.places)
            self.aim()
            for name, place in self.places.items():
                self.hosts[name] = Host(name, place, self.folder / name)
        except BaseException:
            self.close()
            raise

    def aim(self, server=None, hosts=None):
        """Sends new connections of these hosts to that server, by default to the primary."""
        server = server or self.servers.primary
        for name in hosts or self.places:
            self.proxy.target(name, server.place.address)

    def share(self, *names, set_up=True):
        """The first host's store is the one of all."""
        first, *others = (self.hosts[name] for name in names or self.hosts)
        first.start()
        first.said("store", "share")
        if set_up:
            first.said("store", "set", "max_lag", MAX_LAG)
            first.said("store", "set", "standbys", "synchronous")
        for host in others:
            host.take_secrets(first)
            host.start()
            host.said("store", "join")
        self.await_whole()

    def twin(self, host):
        """Another daemon with the name and a copy of the store of a host, as of a machine that was copied."""
        other = Host(host.name, host.place, self.folder / f"twin-{host.name}-{os.urandom(3).hex()}")
        host.pause()
        for file in host.state.iterdir():
            if file.is_file() and file.name != "filler":
                shutil.copy(file, other.state / file.name)
        host.signal(signal.SIGCONT)
        other.start()
        return other

    @staticmethod
    def end_twin(other):
        """It has ended: its folder goes."""
        other.finish()
        shutil.rmtree(other.folder, ignore_errors=True)

    def why_not_whole(self):
        """None, or what is missing."""
        ends = set()
        for host in self.hosts.values():
            try:
                shared = host.shared()
            except (OSError, harness.Error, AssertionError) as error:
                return f"{host.name}: {error!r}"
            if not shared.get("on") or not shared.get("connected") or shared.get("stale") or shared.get("problem"):
                return f"{host.name}: {shared}"
            if shared.get("diverged"):
                return f"{host.name} has diverged: {shared}"
            if shared.get("lag_ms", 1 << 30) > 2500:
                return f"{host.name} is not fresh: {shared}"
            ends.add((shared["applied"], shared["as_of"], shared["head"]))
        if len(ends) != 1 or any(applied != head for applied, _, head in ends):
            return f"stores end at {ends}"
        return None

    def await_whole(self, deadline=90):
        last = [None]

        def is_whole():
            last[0] = self.why_not_whole()
            return last[0] is None

        try:
            harness.wait_until(is_whole, deadline)
        except AssertionError:
            raise AssertionError(f"the hosts did not come together in {deadline} s: {last[0]}") from None

    def close(self, keep=False):
        for host in self.hosts.values():
            host.finish()
        if self.proxy is not None:
            self.proxy.close()
        if self.servers is not None:
            self.servers.close()
        for place in getattr(self, "places", {}).values():
            place.close()
        if not keep:
            shutil.rmtree(self.folder, ignore_errors=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
