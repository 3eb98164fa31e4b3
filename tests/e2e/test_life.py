# SPDX-License-Identifier: Apache-2.0
"""How a daemon starts and ends: what it refuses, what it replaces, which files it leaves."""

import fcntl
import os
import shutil
import signal
import socket
import stat
import subprocess
import unittest
from pathlib import Path

import harness
import people


class Starting(harness.DaemonTest):
    def test_the_daemon_answers_once_it_said_that_it_is_ready(self):
        daemon = self.daemon()
        self.assertRegex(daemon.call("policy.status")["revision"], r"^[0-9a-f]{16}$")

    def test_only_the_owner_may_use_the_socket(self):
        daemon = self.daemon()
        mode = os.stat(daemon.socket).st_mode
        self.assertTrue(stat.S_ISSOCK(mode))
        self.assertEqual(stat.S_IMODE(mode), 0o600)

    def test_an_invalid_policy_ends_the_start_with_its_diagnostics(self):
        daemon = self.daemon({"a.policy": "role viewer {\n\tallow GET on api:/**\n}\n"}, start=False)
        status, said = daemon.refuses_to_start()
        self.assertEqual(status, 1, said)
        self.assertIn("a.policy:2:", said)
        self.assertIn("error:", said)

    def test_a_policy_whose_own_tests_fail_ends_the_start(self):
        text = harness.SMALL_POLICY + 'test "wrong" {\n\tas role viewer\n\tdeny GET api:/loans\n}\n'
        daemon = self.daemon({"a.policy": text}, start=False)
        status, said = daemon.refuses_to_start()
        self.assertEqual(status, 1, said)
        self.assertIn("wrong", said)

    def test_an_unknown_option_is_usage_and_nothing_starts(self):
        for arguments, what in ((["--no-such-option"], "unknown option: --no-such-option"),
                                (["-x"], "unknown option: -x"),
                                (["--config"], "this option wants a value: --config"),
                                (["--version=2"], "this option takes no value: --version=2")):
            status, said = self.daemon(start=False).refuses_to_start(*arguments)
            self.assertEqual(status, 2, said)
            self.assertEqual(said.splitlines()[0], "authzd: " + what)

    def test_a_path_too_long_for_a_socket_is_refused_not_cut(self):
        daemon = self.daemon(start=False)
        daemon.socket = daemon.folder / ("s" * 120)
        status, said = daemon.refuses_to_start()
        self.assertEqual(status, 1, said)
        self.assertEqual([path for path in daemon.folder.iterdir() if path.name.startswith("s" * 20)], [])

    def test_a_second_daemon_on_the_same_store_is_refused_and_names_the_first(self):
        first = self.daemon()
        second = self.daemon(folder=first.folder, start=False)
        second.socket = first.folder / "second.sock"
        status, said = second.refuses_to_start()
        self.assertEqual(status, 1, said)
        self.assertIn(str(first.pid), said)
        self.assertIn("revision", first.call("policy.status"))

    def test_a_live_socket_is_never_taken(self):
        first = self.daemon()
        second = self.daemon(start=False)
        second.socket = first.socket
        status, said = second.refuses_to_start()
        self.assertEqual(status, 1, said)
        self.assertIn("revision", first.call("policy.status"))

    def test_a_file_that_is_not_a_socket_is_refused_and_nothing_is_left_beside_it(self):
        daemon = self.daemon(start=False)
        daemon.socket.write_text("kept\n")
        status, said = daemon.refuses_to_start()
        self.assertEqual(status, 1, said)
        self.assertIn("there is something that is not a socket", said)
        self.assertEqual(daemon.socket.read_text(), "kept\n")
        self.assertFalse(Path(f"{daemon.socket}.lock").exists())

    def test_the_socket_of_a_dead_daemon_is_replaced(self):
        daemon = self.daemon()
        daemon.kill()
        self.assertTrue(daemon.socket.exists())
        daemon.start()
        self.assertIn("revision", daemon.call("policy.status"))

    @unittest.skipUnless(os.geteuid() == 0, "only root can be somebody else")
    def test_another_user_cannot_block_the_start_by_a_lock(self):
        daemon = self.daemon()
        daemon.kill()
        os.chmod(daemon.folder, 0o755)
        with people.as_user():
            held = os.open(daemon.folder, os.O_RDONLY)
            self.addCleanup(os.close, held)
            fcntl.flock(held, fcntl.LOCK_EX)
            with self.assertRaises(PermissionError):
                os.open(f"{daemon.socket}.lock", os.O_RDONLY)
        daemon.start()

    @unittest.skipUnless(os.geteuid() == 0, "only root can be somebody else")
    def test_a_lock_file_of_another_user_is_refused(self):
        daemon = self.daemon(start=False)
        lock = daemon.folder / "authz.sock.lock"
        lock.write_text("")
        os.chmod(lock, 0o600)
        os.chown(lock, 1, 1)
        status, said = daemon.refuses_to_start()
        self.assertEqual(status, 1, said)
        self.assertIn(f"remove it: {lock}", said)
        lock.unlink()
        lock.symlink_to(daemon.folder / "elsewhere")
        self.assertEqual(daemon.refuses_to_start()[0], 1)
        self.assertFalse((daemon.folder / "elsewhere").exists())

    def test_a_file_that_is_not_a_socket_is_left_alone(self):
        daemon = self.daemon(start=False)
        daemon.socket.write_text("mine\n")
        status, said = daemon.refuses_to_start()
        self.assertEqual(status, 1, said)
        self.assertEqual(daemon.socket.read_text(), "mine\n")


class Linking(unittest.TestCase):
    def test_all_is_bound_at_the_start(self):
        """Lazy binding would save registers, with parts of tokens in them, on the stack."""
        readelf = shutil.which("readelf")
        if readelf is None:
            self.skipTest("no readelf here")
        for program in (harness.AUTHZD, harness.AUTHZCHECK):
            said = subprocess.run([readelf, "-dlW", program], capture_output=True, text=True,
                                  check=True).stdout
            self.assertRegex(said, r"FLAGS_1\)\s+Flags: .*NOW")
            self.assertRegex(said, r"FLAGS_1\)\s+Flags: .*PIE")
            self.assertIn("GNU_RELRO", said)


class Ending(harness.DaemonTest):
    def test_after_sigterm_requests_are_answered_and_the_status_is_0(self):
        daemon = self.daemon()
        client = daemon.client()
        numbers = [client.send("principals.create", {"id": f"p{n}", "name": "x", "kind": "user"})
                   for n in range(200)]
        client.receive(numbers[0])  # so the daemon has begun to read
        daemon.stop()
        answered = 1
        while client.receive_message() is not None:
            answered += 1
        daemon.start()
        kept = daemon.call("principals.list", limit=1000)["items"]
        self.assertGreaterEqual(len(kept), answered)

    def test_sigterm_removes_the_socket(self):
        daemon = self.daemon()
        daemon.stop()
        self.assertFalse(daemon.socket.exists())

    def test_an_idle_connection_does_not_hold_up_the_end(self):
        daemon = self.daemon()
        client = daemon.client()
        client.call("policy.status")
        daemon.stop()
        self.assertTrue(client.is_closed())

    def test_an_answered_change_survives_a_kill(self):
        daemon = self.daemon()
        with daemon.client() as client:
            client.call("principals.create", id="alice", name="Alice", kind="user")
            client.call("assignments.create", principal="alice", role="viewer")
            key = client.call("keys.create", principal="alice", name="laptop")
        daemon.kill()
        daemon.start()
        answer = daemon.call("authorize", token=key["secret"], method="GET", path="/loans")
        self.assertEqual((answer["allow"], answer["reason"]), (True, "ok"))

    def test_no_change_that_was_answered_is_lost_by_kills_under_writes(self):
        daemon = self.daemon()
        answered = set()
        for turn in range(5):
            client = daemon.client()
            ids = [f"t{turn}-{n}" for n in range(300)]
            sent = {client.send("principals.create", {"id": one, "name": "x", "kind": "user"}): one
                    for one in ids}
            for _ in range(40 * turn + 1):
                message = client.receive_message()
                self.assertIsNone(message[2], message)
                answered.add(sent[message[1]])
            daemon.kill()
            while (message := client.receive_message()) is not None:
                answered.add(sent[message[1]])
            daemon.start()
        kept = set()
        cursor = {}
        while True:
            page = daemon.call("principals.list", limit=1000, **cursor)
            kept.update(item["id"] for item in page["items"])
            if not page.get("cursor"):
                break
            cursor = {"cursor": page["cursor"]}
        self.assertEqual(answered - kept, set())

    def test_sighup_reloads(self):
        daemon = self.daemon()
        before = daemon.call("policy.status")["revision"]
        daemon.write("more.policy", "role idle {\n\tallow list on api:/loans\n}\n")
        daemon.signal(signal.SIGHUP)
        harness.wait_until(lambda: daemon.call("policy.status")["revision"] != before,
                           what="another revision")

    def test_only_the_main_thread_takes_the_signals_that_the_daemon_handles(self):
        daemon = self.daemon(None, "--workers", "2")
        taking = {number: [] for number in (signal.SIGHUP, signal.SIGTERM, signal.SIGINT)}
        threads = list(Path(f"/proc/{daemon.pid}/task").iterdir())
        self.assertGreater(len(threads), 3)
        for thread in threads:
            blocked = int((thread / "status").read_text().split("SigBlk:")[1].split()[0], 16)
            for number, names in taking.items():
                if not blocked >> (number - 1) & 1:
                    names.append(thread.name)
        self.assertEqual(taking, dict.fromkeys(taking, [str(daemon.pid)]))

    def test_a_peer_that_leaves_without_reading_does_no_harm(self):
        daemon = self.daemon()
        other = daemon.client()
        for _ in range(20):
            rude = socket.socket(socket.AF_UNIX)
            rude.connect(str(daemon.socket))
            rude.sendall(harness.Client.request(1, "policy.status", None) * 50)
            rude.close()
        self.assertIn("revision", other.call("policy.status"))
