# SPDX-License-Identifier: Apache-2.0
"""Several daemons that share one store in a real PostgreSQL.

    class Sharing(shared.SharedTest):
        def test_a_key_of_one_host_decides_on_the_other(self):
            first, second = self.hosts(2)
"""

import secrets
import sys
import unittest
from pathlib import Path

import harness

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
import postgres  # noqa: E402  pylint: disable=wrong-import-position


class Host(harness.Daemon):
    """A daemon with a line `shared`. All hosts of a test have the secrets of the first."""

    def __init__(self, name, conninfo, policy=None, pepper=None, lines=()):
        self.name = name
        super().__init__(policy, start=False)
        if pepper is not None:
            file = self.state / "pepper"
            file.write_bytes(pepper)
            file.chmod(0o600)
        self.config = self.folder / "authzd.conf"
        self.config.write_text("\n".join([f"shared \"{conninfo}\"", f"host {name}", *lines, ""]), encoding="utf-8")
        self.arguments += ["--config", str(self.config)]
        self.start()

    def secrets(self):
        return (self.state / "pepper").read_bytes()

    def shared(self):
        """What `status` says of the shared store."""
        return self.call("status")["shared"]

    def entered(self):
        """What the audit trail has about what, here."""
        return {(item["action"], item["target"]) for item in self.call("audit.list")["items"]}

    def await_connected(self):
        harness.wait_until(lambda: self.shared()["connected"], what=f"{self.name} connected")

    def await_place(self, place):
        """Waits until this host has applied the change."""
        sequence = int(place.split("-")[0])
        harness.wait_until(lambda: self.shared()["applied"] >= sequence, what=f"{place} on {self.name}")

    def decide(self, token, as_of):
        """The decision by that change: this host has a second for it, and is asked until that was enough."""
        def answered():
            answer = self.call("authorize", token=token, method="GET", path="/loans", as_of=as_of)
            return answer if answer["reason"] != "stale" else None
        return harness.wait_until(answered, what=f"a decision by {as_of} on {self.name}")

    def everywhere(self, method, **params):
        """A change that each host has at its answer. They have five seconds: it is made until that was enough."""
        if method == "keys.create":
            params["request_id"] = secrets.token_hex(16)

        def answered():
            answer = self.call(method, **params, everywhere=True)
            return answer if answer["everywhere"] else None
        return harness.wait_until(answered, what=f"{method} everywhere")


@unittest.skipUnless(postgres.is_here(), "PostgreSQL is not installed")
class SharedTest(unittest.TestCase):
    def setUp(self):
        self.servers = postgres.Servers()
        self.addCleanup(self.servers.close)
        self.server = self.servers.make()

    def host(self, name, like=None, policy=None, lines=()):
        """A daemon that shares nothing yet, with the secrets of the host `like`."""
        host = Host(name, self.server.conninfo(), policy, like.secrets() if like else None, lines)
        self.addCleanup(host.finish)
        return host

    def hosts(self, count, policy=None, lines=()):
        """Daemons that share a store."""
        first = self.host("h1", policy=policy, lines=lines)
        place = first.call("store.share")["as_of"]
        hosts = [first]
        for number in range(2, count + 1):
            host = self.host(f"h{number}", first, policy, lines)
            host.call("store.join", at=place)
            hosts.append(host)
        # Who shared and joined is entered in the trail after the answer.
        wanted = {("store.share", "h1"), *(("store.join", host.name) for host in hosts[1:])}
        for host in hosts:
            harness.wait_until(lambda host=host: wanted <= host.entered(), what=f"the entries on {host.name}")
        return hosts
