#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The Python client finds the socket that libauthz finds, and trusts the users that libauthz trusts."""

import ctypes
import itertools
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

import harness
from python_client import QUESTION, authz
from authz import _trust

LIBRARY = os.environ.get("LIBAUTHZ", "")
STRANGER, SERVER = 12345, 12346

# Prints what both find in each of the environments on its standard input.
FIND = """
import ctypes, json, os, sys
sys.dont_write_bytecode = True
sys.path.insert(0, sys.argv[1])
from authz import _trust
library = ctypes.CDLL(sys.argv[2])
found = []
for environment in json.load(sys.stdin):
    os.environ.clear()
    os.environ.update(environment)
    for ours, theirs in ((_trust.default_socket, library.authz_default_socket),
                         (_trust.managing_socket, library.authz_managing_socket)):
        try:
            mine = ours()
        except ValueError:
            mine = None
        room = ctypes.create_string_buffer(108)
        found.append([environment, mine, room.value.decode() if theirs(room, 108) == 0 else None])
print(json.dumps(found))
"""

# Listens as another user until its standard input ends.
LISTEN = """
import os, socket, sys
listener = socket.socket(socket.AF_UNIX)
listener.bind(sys.argv[1])
os.chmod(sys.argv[1], 0o777)
os.setuid(int(sys.argv[2]))
listener.listen(8)
print("ready", flush=True)
sys.stdin.read()
"""


@unittest.skipUnless(LIBRARY, "a sanitizer's library cannot be loaded")
class Finding(unittest.TestCase):
    def find(self, environments, user):
        other = {} if user is None else {"user": user, "group": user, "extra_groups": []}
        done = subprocess.run(
            [sys.executable, "-c", FIND, str(harness.ROOT / "client" / "python"), LIBRARY],
            input=json.dumps(environments), capture_output=True, text=True, check=False,
            timeout=harness.DEADLINE, **other)
        self.assertEqual(done.returncode, 0, done.stderr)
        return json.loads(done.stdout)

    def test_the_default_sockets_are_those_of_libauthz(self):
        folder = Path(tempfile.mkdtemp(prefix="authz-"))
        self.addCleanup(shutil.rmtree, folder)
        folder.chmod(0o755)
        with_socket = folder / "with"
        (with_socket / "authz").mkdir(parents=True)
        for name in ("authz.sock", "admin.sock"):
            listener = socket.socket(socket.AF_UNIX)
            listener.bind(str(with_socket / "authz" / name))
            (with_socket / "authz" / name).chmod(0o777)
            self.addCleanup(listener.close)
        values = {"AUTHZ_SOCKET": (None, "", "/given/s", "/" + "x" * 120),
                  "XDG_RUNTIME_DIR": (None, str(with_socket), str(folder)),
                  "XDG_STATE_HOME": (None, str(with_socket)), "HOME": (None, "/home/x")}
        users = (None, STRANGER) if os.geteuid() == 0 else (None,)
        paths = set()
        environments = [{name: value for name, value in zip(values, chosen) if value is not None}
                        for chosen in itertools.product(*values.values())]
        for user in users:
            for environment, mine, theirs in self.find(environments, user):
                self.assertEqual(mine, theirs, (user, environment))
                paths.add(mine)
        if os.geteuid() == 0:
            self.assertIn(str(with_socket / "authz" / "admin.sock"), paths)
            self.assertIn(None, paths)

    def test_users_are_those_of_libauthz(self):
        library = ctypes.CDLL(LIBRARY)
        for user in ("root", "0", "12", "4294967294", "4294967295", "99999999999999999999", "", "1x", "1_0",
                     " 1", "-1", "+1", "nobody", "no such user", "٣"):
            number = ctypes.c_uint(0)
            error = library.authz_find_user(user.encode(), ctypes.byref(number))
            theirs = number.value if error == 0 else None
            try:
                mine = _trust.find_user(user)
            except ValueError:
                mine = None
            self.assertEqual(mine, theirs, user)


@unittest.skipUnless(os.geteuid() == 0, "only root can start another user's server")
class Trusting(unittest.TestCase):
    def setUp(self):
        # Every folder on the way belongs to root, and nobody else may write it.
        self.folder = Path(tempfile.mkdtemp(prefix="authz-", dir="/run"))
        self.addCleanup(shutil.rmtree, self.folder)
        self.folder.chmod(0o755)

    def server(self, folder, user=SERVER):
        """A server of the user in this folder, which answers nothing; its path."""
        path = folder / "s"
        process = subprocess.Popen([sys.executable, "-c", LISTEN, str(path), str(user)], text=True,
                                   stdin=subprocess.PIPE, stdout=subprocess.PIPE)

        def end():
            process.communicate(timeout=harness.DEADLINE)
            path.unlink()

        self.addCleanup(end)
        self.assertEqual(process.stdout.readline(), "ready\n")
        return path

    def is_trusted(self, path, **options):
        """True when the client sent the request; it has no answer in either case."""
        with self.assertRaises(authz.Unavailable) as caught:
            authz.Client(path, timeout=0.05, **options).check(**QUESTION)
        return not isinstance(caught.exception, authz.Untrusted)

    def place(self, name, owner, mode=0o755):
        folder = self.folder / name
        folder.mkdir()
        os.chown(folder, owner, owner)
        folder.chmod(mode)
        return folder

    def test_the_owner_of_a_folder_that_nobody_else_can_change_is_trusted(self):
        self.assertTrue(self.is_trusted(self.server(self.place("own", SERVER))))

    def test_a_user_who_does_not_own_the_folder_is_not_trusted_until_it_is_named(self):
        path = self.server(self.place("root's", 0))
        self.assertFalse(self.is_trusted(path))
        self.assertTrue(self.is_trusted(path, server_user=SERVER))
        self.assertFalse(self.is_trusted(path, server_user=STRANGER))
        os.environ["AUTHZ_SERVER_USER"] = str(SERVER)
        self.addCleanup(os.environ.pop, "AUTHZ_SERVER_USER", None)
        self.assertTrue(self.is_trusted(path))
        del os.environ["AUTHZ_SERVER_USER"]

    def test_a_folder_that_others_can_write_or_replace_names_nobody(self):
        for name, owner, mode in (("group", 0, 0o775), ("others", SERVER, 0o757), ("stranger", STRANGER, 0o755)):
            above = self.place(name, owner, mode)
            below = above / "below"
            below.mkdir()
            os.chown(below, SERVER, SERVER)
            self.assertFalse(self.is_trusted(self.server(below)), name)

    def test_a_link_of_a_stranger_on_the_way_names_nobody(self):
        path = self.server(self.place("real", SERVER))
        for name, owner, trusted in (("mine", 0, True), ("theirs", STRANGER, False)):
            link = self.folder / name
            link.symlink_to(path.parent)
            os.chown(link, owner, owner, follow_symlinks=False)
            self.assertEqual(self.is_trusted(link / "s"), trusted, name)

    def test_the_error_says_who_serves_and_what_to_do(self):
        path = self.server(self.place("root's", 0))
        with self.assertRaises(authz.Untrusted) as caught:
            authz.Client(path).check(**QUESTION)
        self.assertIn(f"AUTHZ_SERVER_USER={SERVER}", str(caught.exception))
        self.assertIn("belongs to uid 0", str(caught.exception))

    def test_the_number_of_users_of_other_namespaces_is_no_owner(self):
        self.assertFalse(self.is_trusted(self.server(self.place("unmapped", 65534), 65534)))

    def test_nor_is_it_the_clients_own_user_if_it_has_that_number_too(self):
        path = self.server(self.place("open", 0), 65534)
        os.seteuid(65534)
        try:
            self.assertFalse(self.is_trusted(path))
        finally:
            os.seteuid(0)
