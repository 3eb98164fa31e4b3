#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""tools/examples/three-hosts does as it says: five machines, each with its own network, folders, processes and name.
Debian's packages are there already; apt-get, scp and systemctl are stand-ins, everything else is what it says."""

import os
import re
import shutil
import subprocess
import tempfile
import unittest
from pathlib import Path

import harness
import machine
import share_network

GUIDE = harness.ROOT / "tools/examples/three-hosts/README.md"
BUILD = Path(harness.AUTHZD).parent.parent
BLOCK = re.compile(r"^(?P<before>[^\n]+(?:\n[^\n]+)*)\n\n```sh\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)
NAMES = ("db", "db2", "alpha", "beta", "gamma")
OWN = ("/etc/authz", "/var/lib/authz", "/etc/postgresql", "/var/lib/postgresql", "/var/log/postgresql", "/root", "/run")
POLICY = """\
tree api { /loans { list GET, /{loan} { read GET } } }
role viewer { allow GET on api:/** }
"""
CONF = "policy /etc/authz/policy\nstate /var/lib/authz\nuser authz\nlisten /run/authz/authz.sock 0660 authz both\n"

# As the packages leave a machine.
APT_GET = """#!/bin/sh
case "$*" in *postgresql*) [ -e /etc/postgresql/15 ] || [ "${*#*authzd}" != "$*" ] || pg_createcluster 15 main --start ;; esac
"""
SYSTEMCTL = """#!/bin/sh
if [ -e /run/authzd.pid ]; then
    kill "$(cat /run/authzd.pid)"
    while kill -0 "$(cat /run/authzd.pid)" 2>/dev/null; do sleep 0.05; done
    rm /run/authzd.pid
fi
if [ "$1" != stop ]; then
    authzd --config /etc/authz/authzd.conf >>/run/authzd.log 2>&1 </dev/null &
    echo $! >/run/authzd.pid
    until authzcheck status >/dev/null 2>&1; do
        kill -0 "$(cat /run/authzd.pid)" || { cat /run/authzd.log >&2; exit 1; }
        sleep 0.05
    done
fi
"""
# FROM:FILE… TO. The machines' folders are below FOLDER/NAME.
SCP = """#!/bin/sh
for to; do :; done
while [ $# -gt 1 ]; do
    cp "FOLDER/${1%%:*}${1#*:}" "$to"
    shift
done
"""


class Computer(share_network.Place):
    """A machine of its own. Its first process collects those that end, and all end with it."""

    def __init__(self, name, number, shims, files):
        self.name, self.number, self.link = name, number, f"to-{name}"
        self.address = f"10.77.0.{number}"
        self.process = subprocess.Popen(["unshare", "--net", "--mount", "--uts", "--ipc", "--pid", "--fork", "--kill-child",
                                         "--mount-proc", "sh", "-c", "sleep infinity & wait"], preexec_fn=harness.die_with_parent)
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        self.first = int(harness.wait_until(lambda: children.read_text().strip(), what="a machine's first process"))
        harness.wait_until(lambda: "sh" in Path(f"/proc/{self.first}/comm").read_text(), what="a machine")
        self.path = f"/proc/{self.first}/ns/net"
        self.prefix = ["nsenter", f"--target={self.first}", "--net", "--mount", "--uts", "--ipc", "--pid", "--"]
        share_network.run("ip", "link", "add", "name", self.link, "type", "veth", "peer", "name", "eth0", "netns", self.first)
        share_network.run("ip", "link", "set", self.link, "master", "bridge", "up")
        self.path_of_shims = shims
        self.run(f"""
            ip address add {self.address}/24 dev eth0
            ip link set lo up
            ip link set eth0 up
            hostname {name}
            for own in {' '.join(OWN)}; do mount --bind {files}$own $own; done
            install -d -o postgres -g postgres /var/lib/postgresql /var/log/postgresql /run/postgresql
            install -d -o authz -m 700 /var/lib/authz
            install -d -o authz -m 755 /run/authz
            mkdir /etc/authz/policy
        """)

    def run(self, text, status=0):
        environment = {**harness.environment("/root"), "PATH": f"{self.path_of_shims}:{BUILD}/daemon:{BUILD}/tools:"
                       "/usr/sbin:/usr/bin:/sbin:/bin"}
        done = subprocess.run([*self.prefix, "sh", "-ec", text], env=environment, cwd="/", text=True, capture_output=True,
                              timeout=harness.DEADLINE, check=False)
        if done.returncode != status:
            log = subprocess.run([*self.prefix, "sh", "-c", "cat /run/authzd.log /var/log/postgresql/*"],
                                 capture_output=True, text=True, check=False).stdout[-3000:]
            raise AssertionError(f"on {self.name}, {done.returncode}:\n{text}\n{done.stdout}{done.stderr}\n{log}")
        return done.stdout


class ThreeHosts(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        if not shutil.which("pg_createcluster"):
            raise unittest.SkipTest("PostgreSQL 15 is not installed: tools/setup")
        machine.Machine.enter()
        why = machine.Machine.why or share_network.enter()
        if why is not None:
            raise unittest.SkipTest(why)

    def setUp(self):
        folder = tempfile.mkdtemp(prefix="authz-")
        os.chmod(folder, 0o755)
        self.addCleanup(shutil.rmtree, folder, ignore_errors=True)
        self.folder = Path(folder)
        shims = self.folder / "bin"
        shims.mkdir()
        for name, text in (("apt-get", APT_GET), ("systemctl", SYSTEMCTL), ("scp", SCP)):
            (shims / name).write_text(text.replace("FOLDER", str(self.folder)))
            (shims / name).chmod(0o755)
        hosts = self.folder / "hosts"
        hosts.write_text("127.0.0.1 localhost\n" + "".join(f"10.77.0.{at} {name}\n" for at, name in enumerate(NAMES, 1)))
        hosts.chmod(0o644)
        machine.mount(hosts, "/etc/hosts", flags=machine.MS_BIND)
        for folder in OWN:
            os.makedirs(folder, exist_ok=True)
        self.computers = {}
        for at, name in enumerate(NAMES, 1):
            for own in OWN:
                (self.folder / (name + own)).mkdir(parents=True)
            computer = self.computers[name] = Computer(name, at, shims, self.folder / name)
            self.addCleanup(computer.close)
        for name in ("alpha", "beta", "gamma"):
            self.computers[name].run(f"cat >/etc/authz/policy/a.policy <<'END'\n{POLICY}END\n"
                                     f"cat >/etc/authz/authzd.conf <<'END'\n{CONF}END\nsystemctl start authzd")

    def follow(self, block):
        """On the machines that the paragraph's last "On ..." names; a line's exit status may be said after it."""
        named = re.findall(r"On ((?:`\w+`(?:, | and )?)+):", block["before"].replace("\n", " "))
        self.assertTrue(named, f"on which machine?\n{block['before']}")
        for name in re.findall(r"`(\w+)`", named[-1]):
            statuses = re.findall(r"# exit status (\d)", block["text"])
            if not statuses:
                self.computers[name].run(block["text"])
                continue
            for line in block["text"].splitlines():
                said = re.search(r"# exit status (\d)", line)
                self.computers[name].run(line, int(said[1]) if said else 0)

    def test_it_does_as_it_says(self):
        blocks = list(BLOCK.finditer(GUIDE.read_text()))
        self.assertGreater(len(blocks), 15)
        for block in blocks:
            self.follow(block)
        for name in ("alpha", "beta", "gamma"):
            self.computers[name].run("until authzcheck principal list | grep bob; do sleep 0.2; done")


if __name__ == "__main__":
    unittest.main()
