# SPDX-License-Identifier: Apache-2.0
"""Sockets that a supervisor opens and passes: which line each is for, and that they outlive the daemon."""

import grp
import os
import socket
import stat
import threading
import unittest

import harness
from harness import Client
from supervisor import listening, pass_sockets

POLICY = harness.SMALL_POLICY + "principal ann {\n    role viewer\n}\n"
AUTHORIZE = {"principal": "ann", "method": "GET", "path": "/loans"}


class Activated(harness.DaemonTest):
    def prepared(self, config=None):
        """A daemon that is not started, with a configuration in place of --socket if one is given."""
        daemon = self.daemon({"a.policy": POLICY}, start=False)
        if config is not None:
            path = daemon.folder / "authzd.conf"
            path.write_text(config.format(folder=daemon.folder))
            daemon.command = lambda *more: [
                *daemon.prefix, harness.AUTHZD, "--policy", str(daemon.policy), "--state",
                str(daemon.state), "--config", str(path), *more]
        return daemon

    def refused(self, daemon, *said):
        status, text = daemon.refuses_to_start()
        self.assertEqual(status, 1, text)
        for words in said:
            self.assertIn(words, text)


class Lines(Activated):
    def test_a_socket_is_for_the_line_with_its_path_or_else_with_its_name(self):
        daemon = self.prepared("listen {folder}/authz.sock 0660 decide\n"
                               "listen {folder}/admin.sock 0600 manage\n")
        elsewhere = daemon.folder / "elsewhere"
        decide = listening(self, elsewhere, 0o660)
        manage = listening(self, daemon.folder / "admin.sock")
        # The name of the second is of no account: its path is that of a line.
        pass_sockets(daemon, [("authz.sock", decide), ("authz.sock", manage)])
        daemon.start()
        with Client(elsewhere) as client:
            self.assertTrue(client.call("authorize", **AUTHORIZE)["allow"])
            self.assert_error("forbidden", client.call, "status")
        with Client(daemon.folder / "admin.sock") as client:
            self.assertIn("version", client.call("status"))
            self.assert_error("forbidden", client.call, "authorize", **AUTHORIZE)
        daemon.wait_for_log(f"sockets={elsewhere},{daemon.folder}/admin.sock\n")
        self.assertFalse((daemon.folder / "authz.sock").exists())

    def test_the_socket_of_the_option_may_be_passed_too(self):
        daemon = self.prepared()
        pass_sockets(daemon, [("", listening(self, daemon.socket))])
        daemon.start()
        self.assertTrue(daemon.call("authorize", **AUTHORIZE)["allow"])
        self.assertIn("version", daemon.call("status"))

    def test_lines_without_a_passed_socket_are_opened_as_ever(self):
        daemon = self.prepared("listen {folder}/authz.sock 0660 decide\n"
                               "listen {folder}/admin.sock 0600 manage\n")
        pass_sockets(daemon, [("x", listening(self, daemon.socket, 0o660))])
        daemon.start()
        self.assertTrue(daemon.call("authorize", **AUTHORIZE)["allow"])
        admin = daemon.folder / "admin.sock"
        self.assertEqual(stat.S_IMODE(admin.stat().st_mode), 0o600)
        daemon.stop()
        self.assertTrue(daemon.socket.exists(), "it is the supervisor's")
        self.assertFalse(admin.exists(), "it is the daemon's")

    def test_what_another_process_was_passed_is_not_taken(self):
        daemon = self.prepared()
        listening(self, daemon.folder / "other")
        daemon.prefix = ["env", f"LISTEN_PID={os.getpid()}", "LISTEN_FDS=1"]
        daemon.start()
        self.assertTrue(daemon.call("authorize", **AUTHORIZE)["allow"])


class Refused(Activated):
    def test_a_socket_for_no_line(self):
        daemon = self.prepared()
        path = daemon.folder / "other"
        pass_sockets(daemon, [("some", listening(self, path))])
        self.refused(daemon, f"{path}, named 'some': no `listen` line has this path",
                     "FileDescriptorName=")

    def test_two_sockets_for_one_line_and_two_lines_for_one_socket(self):
        daemon = self.prepared()
        pass_sockets(daemon, [("", listening(self, daemon.socket)),
                              ("authz.sock", listening(self, daemon.folder / "other"))])
        self.refused(daemon, "more than one socket or `listen` line fits")
        daemon = self.prepared("listen {folder}/a/authz.sock 0600 both\n"
                               "listen {folder}/b/authz.sock 0600 both\n")
        pass_sockets(daemon, [("authz.sock", listening(self, daemon.folder / "other"))])
        self.refused(daemon, "more than one socket or `listen` line fits")

    def test_another_owner_than_the_line_says_or_others_who_may_connect(self):
        daemon = self.prepared("listen {folder}/authz.sock 0600 both\n")
        made = listening(self, daemon.socket, 0o666)
        pass_sockets(daemon, [("", made)])
        for mode in (0o666, 0o660, 0o602, 0o400):
            os.chmod(daemon.socket, mode)
            self.refused(daemon, f"has mode {mode:04o}", "line says 0600", "SocketMode=")
        # Without the right to write nobody connects.
        os.chmod(daemon.socket, 0o644)
        if os.geteuid() == 0:
            os.chown(daemon.socket, 1, -1)
            self.refused(daemon, "owner 1 and", "SocketUser=")
            os.chown(daemon.socket, 0, 1)
        daemon.start()

    @unittest.skipUnless(os.geteuid() == 0, "only root can be in all groups")
    def test_another_group_that_may_connect(self):
        daemon = self.prepared("listen {folder}/authz.sock 0660 daemon both\n")
        pass_sockets(daemon, [("", listening(self, daemon.socket, 0o660, group=2))])
        self.refused(daemon, "and group 2; its", "SocketGroup=")
        os.chown(daemon.socket, -1, grp.getgrnam("daemon").gr_gid)
        daemon.start()

    def test_a_socket_that_was_removed(self):
        daemon = self.prepared()
        pass_sockets(daemon, [("", listening(self, daemon.socket))])
        daemon.socket.unlink()
        self.refused(daemon, "cannot see the socket that the supervisor passed")

    @unittest.skipUnless(os.geteuid() == 0, "only root may ask for the file of a socket")
    def test_a_socket_whose_place_another_one_has_taken(self):
        daemon = self.prepared()
        pass_sockets(daemon, [("", listening(self, daemon.socket, 0o666))])
        hidden = daemon.folder / "hidden"
        daemon.socket.rename(hidden)
        # It has the rights of the line, which the one that is passed does not have.
        listening(self, daemon.socket)
        self.refused(daemon, "another file has taken the place of the socket", str(daemon.socket))

    def test_a_socket_with_a_second_name(self):
        daemon = self.prepared()
        pass_sockets(daemon, [("", listening(self, daemon.socket))])
        second = daemon.folder / "second"
        os.link(daemon.socket, second)
        self.refused(daemon, "has a second name, a hard link")
        second.unlink()
        daemon.start()

    def test_descriptors_that_are_not_listening_unix_sockets(self):
        daemon = self.prepared()
        deaf = socket.socket(socket.AF_UNIX)
        deaf.bind(str(daemon.socket))
        tcp = socket.socket()
        datagrams = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        abstract = socket.socket(socket.AF_UNIX)
        abstract.bind(b"\0authzd-test-%d" % os.getpid())
        abstract.listen()
        for made, said in ((deaf, "it does not listen"), (tcp, "it is not a Unix stream socket"),
                           (datagrams, "it is not a Unix stream socket"), (abstract, "it has no path")):
            with self.subTest(said), made:
                pass_sockets(daemon, [("", made)])
                self.refused(daemon, f"the supervisor passed descriptor 3: {said}")

    def test_a_number_of_sockets_that_is_not_a_number(self):
        daemon = self.prepared()
        for count in ("x", "17", "-1", ""):
            with self.subTest(count):
                daemon.prefix = ["sh", "-c", f'export LISTEN_PID=$$ LISTEN_FDS="{count}"; exec "$@"',
                                 "sh"]
                self.refused(daemon, "LISTEN_FDS is not a number of at most 16 sockets")


class Restarts(Activated):
    def test_a_connection_waits_while_no_daemon_runs(self):
        daemon = self.prepared()
        pass_sockets(daemon, [("", listening(self, daemon.socket))])
        early = daemon.client()
        number = early.send("authorize", AUTHORIZE)
        daemon.start()
        self.assertTrue(early.receive(number)["allow"])
        daemon.stop()
        late = daemon.client()
        number = late.send("authorize", AUTHORIZE)
        daemon.start()
        self.assertTrue(late.receive(number)["allow"])

    def test_a_restart_loses_no_connection_attempt(self):
        # Nor does the tool, which asks once more when the connection ends without an answer.
        daemon = self.prepared()
        pass_sockets(daemon, [("", listening(self, daemon.socket))])
        daemon.start()
        enough, failures, asked = threading.Event(), [], []

        def connect():
            while not enough.is_set():
                try:
                    client = Client(daemon.socket)
                except OSError as error:
                    failures.append(error)
                    continue
                with client:
                    try:
                        client.send("authorize", AUTHORIZE)
                        answer = client.receive_message()
                    except BrokenPipeError:  # the daemon ended before it read the request
                        answer = None
                    asked.append(answer is not None and answer[2] is None)

        def ask():
            while not enough.is_set():
                done = daemon.tool("--timeout", str(int(harness.DEADLINE)), "check", "--principal",
                                   "ann", "GET", "/loans")
                asked.append(done.returncode == 0)
                if done.returncode != 0:
                    failures.append(done.stderr)

        threads = [threading.Thread(target=work) for work in (connect, connect, ask)]
        for thread in threads:
            thread.start()
        for _ in range(4):
            before = len(asked)
            harness.wait_until(lambda: asked[before:].count(True) > 20, what="answers")
            daemon.stop()
            daemon.start()
        enough.set()
        for thread in threads:
            thread.join()
        self.assertEqual(failures, [])

    def test_the_daemons_own_socket_refuses_while_no_daemon_runs(self):
        # So the test above is about the passed socket.
        daemon = self.prepared()
        daemon.start()
        daemon.stop()
        with self.assertRaises((FileNotFoundError, ConnectionRefusedError)):
            daemon.client()


if __name__ == "__main__":
    unittest.main()
