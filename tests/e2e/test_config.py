# SPDX-License-Identifier: Apache-2.0
"""The configuration file, the options, and what peers may do by them."""

import json
import os
import pwd
import select
import signal
import socket
import stat
import subprocess
import unittest

import harness
from harness import Client

AUTHORIZE = {"principal": "ann", "method": "GET", "path": "/loans"}
POLICY = harness.SMALL_POLICY + "principal ann {\n    role viewer\n}\n"

# a line, the column of its error, a word of the message
WRONG = [
    ("polici /x", 1, "unknown name 'polici': did you mean 'policy'?"),
    ("policy relative", 8, "'relative' is not an absolute path: write one as in /etc/authz"),
    ("policy /a /b", 1, "write it as: policy DIR"),
    ("workers 0", 9, "workers 0: write a number from 1 to 64"),
    ("workers x", 9, "workers x: write a number from 1 to 64"),
    ("connections 15", 13, "connections 15: write a number from 16 to 65536"),
    ("idle 60", 6, "idle 60: write a number and s, m or h, as in '60s'"),
    ("watch maybe", 7, "watch maybe: write yes or no"),
    ("log xml", 5, "log xml: write text or json"),
    ("listen /s 0999 both", 11, "'0999' is not a mode: write the socket's as three octal digits"),
    ("listen /s 0600 all", 16, "'all': end the line with decide, manage or both"),
    ("listen /s 0600 no-such-group-here both", 16, "no group"),
    ("listen /s 0600 no-such-user-here:root both", 16, "no user"),
    ("listen /s 0600 root:no-such-group-here both", 16, "no group"),
    ("listen /s 0600 :root both", 16, "no user"),
    ("trust user no-such-user-here", 12, "no user"),
    ("trust somebody root", 7, "'somebody' is neither user nor group: write user NAME or group NAME"),
    ("trust user rooot", 12, "no user 'rooot': did you mean 'root'?"),
    ("trust group rooot", 13, "no group 'rooot': did you mean 'root'?"),
    ("trust user nobody", 12, "user 'nobody' is number 65534"),
    ("trust group nogroup", 13, "group 'nogroup' is number 65534"),
    ("manage user nobody authz:/** all", 13, "user 'nobody' is number 65534"),
    ("manage user no-such-user-here authz:/** all", 13, "no user"),
    ("manage user root api:/** all", 18, "'api:/**' is not a place in the tree authz"),
    ("manage user root api:/keys/** all", 18, "tree authz"),
    ("manage user root authz:/kyes/** all", 18, "no '/kyes': did you mean '/keys'?"),
    ("manage user root authz:/keys/** reed", 33, "no action 'reed': did you mean 'read'?"),
    ("modules modules", 9, "is not an absolute path"),
    ("user no-such-user-here", 6, "no user"),
    ("watch {", 7, "braces"),
    ("host web1@eu", 6, "'web1@eu' is not a host's name: write letters, digits, '.', '-' and '_'"),
    ("host " + "h" * 65, 6, "at most 64"),
    ('shared ""', 8, "a word is empty"),
    ("start_stale maybe", 13, "start_stale maybe: write yes or no"),
]


class Configured(harness.DaemonTest):
    def configured(self, text, **options):
        daemon = self.daemon({"a.policy": POLICY}, start=False, **options)
        path = daemon.folder / "authzd.conf"
        path.write_text(text)
        daemon.arguments += ["--config", str(path)]
        return daemon


class Reading(Configured):
    def test_every_mistake_is_reported_with_its_position(self):
        # Of more than twenty errors in one file the last are only counted.
        for wrong in (WRONG[:10], WRONG[10:20], WRONG[20:30], WRONG[30:]):
            daemon = self.configured("".join(f"{line}\n" for line, _, _ in wrong))
            status, said = daemon.refuses_to_start()
            self.assertEqual(status, 1, said)
            path = daemon.folder / "authzd.conf"
            for number, (line, column, word) in enumerate(wrong, 1):
                with self.subTest(line):
                    found = [text for text in said.splitlines()
                             if text.startswith(f"{path}:{number}:{column}: error: ")]
                    self.assertEqual(len(found), 1, said)
                    self.assertIn(word, found[0])

    def test_a_name_that_is_set_twice_is_refused(self):
        daemon = self.configured("watch yes\nwatch no\n")
        status, said = daemon.refuses_to_start()
        self.assertEqual(status, 1)
        self.assertIn(":2:1: error: 'watch' is set twice", said)

    def test_a_file_that_others_may_write_is_refused_with_the_chmod(self):
        daemon = self.configured("watch yes\n")
        path = daemon.folder / "authzd.conf"
        path.chmod(0o666)
        status, said = daemon.refuses_to_start()
        self.assertEqual(status, 1)
        self.assertIn(f"chmod go-w {path}", said)

    def test_a_missing_file_is_refused(self):
        status, said = self.daemon(start=False).refuses_to_start("--config", "/no/such/file")
        self.assertEqual(status, 1)
        self.assertIn("/no/such/file", said)

    def test_workers_are_as_many_as_the_file_says_and_an_option_wins(self):
        daemon = self.configured("workers 3\n")
        daemon.start()
        self.assertEqual(daemon.call("status")["workers"], 3)
        daemon.stop()
        daemon.start("--workers", "1")
        self.assertEqual(daemon.call("status")["workers"], 1)

    def test_limits_of_connections_have_bounds(self):
        for line, said in (("connections 65537", "from 16 to 65536"),
                           ("user_connections 0", "from 1 to 65536"),
                           ("idle 0s", "from 1s to 24h"), ("idle 2d", "from 1s to 24h")):
            with self.subTest(line):
                status, told = self.configured(line + "\n").refuses_to_start()
                self.assertEqual(status, 1)
                self.assertIn(said, told)

    def test_one_user_has_no_more_connections_than_all(self):
        for text, options, said in (
                ("connections 20\nuser_connections 21\n", (),
                 ":2:18: error: user_connections 21 is more than all connections, 20"),
                ("user_connections 21\nconnections 20\n", (), ":1:18: error: "),
                ("user_connections 1025\n", (), "more than all connections, 1024"),
                ("user_connections 50\n", ("--connections", "49"), ":1:18: error: "),
                ("", ("--connections", "16", "--user-connections", "17"),
                 "--user-connections 17 is more than all connections, 16: lower it, or raise "
                 "--connections")):
            with self.subTest(text, options=options):
                status, told = self.configured(text).refuses_to_start(*options)
                self.assertEqual(status, 1)
                self.assertIn(said, told)
        # The default is no mistake.
        daemon = self.configured("connections 20\n")
        daemon.start()
        daemon.stop()

    def test_connections_are_as_many_as_the_file_says_and_an_option_wins(self):
        daemon = self.configured("connections 100\nuser_connections 5\nidle 2h\n")
        daemon.start()
        self.assertEqual(daemon.call("status")["counters"]["max_connections"], 100)
        self.assertIn("open of 100", daemon.tool("status").stdout)
        daemon.stop()
        daemon.start("--connections", "16", "--user-connections", "16", "--idle", "1s")
        self.assertEqual(daemon.call("status")["counters"]["max_connections"], 16)

    def test_the_pepper_is_where_the_file_says(self):
        daemon = self.configured("")
        pepper = daemon.folder / "elsewhere"
        (daemon.folder / "authzd.conf").write_text(f"pepper {pepper}\n")
        daemon.start()
        self.assertEqual(stat.S_IMODE(pepper.stat().st_mode), 0o600)
        self.assertFalse((daemon.state / "pepper").exists())

    def test_a_pepper_in_a_folder_that_is_missing_is_said_with_the_folder(self):
        daemon = self.configured("")
        path = daemon.folder / "none" / "pepper"
        (daemon.folder / "authzd.conf").write_text(f"pepper {path}\n")
        status, said = daemon.refuses_to_start()
        self.assertEqual(status, 1)
        self.assertIn(f"{path}: the folder that it is to be made in is missing", said)
        self.assertNotIn("backup", said)

    def test_a_lock_that_is_a_link_is_refused_with_its_path(self):
        daemon = self.configured("")
        lock = daemon.state / "lock"
        lock.symlink_to("/etc/passwd")
        status, said = daemon.refuses_to_start()
        self.assertEqual(status, 1)
        self.assertIn(f"is a symbolic link, which could lead to a file of another program: remove "
                      f"it: {lock}", said)

    def test_a_check_of_a_missing_state_folder_names_it(self):
        daemon = self.configured("")
        daemon.state.rmdir()
        status, said = daemon.refuses_to_start("--verify-store")
        self.assertEqual(status, 3)
        self.assertIn(f"there is no state folder {daemon.state}: name the one", said)

    def test_json_lines_parse_with_any_name(self):
        daemon = self.configured("log json\n")
        daemon.start()
        daemon.write('evil"\n{}.policy', "role {\n")
        self.assert_error("invalid_policy", daemon.call, "policy.reload")
        daemon.stop()
        lines = [json.loads(line) for line in daemon.log().splitlines()]
        self.assertTrue(all({"time", "level", "message"} <= set(line) for line in lines))
        self.assertTrue(any('evil"\n{}.policy' in line.get("at", "") for line in lines))

    def test_text_lines_stay_one_line_an_event(self):
        daemon = self.configured("log text\n")
        daemon.start()
        daemon.write("evil\n2026 error: forged.policy", "role {\n")
        self.assert_error("invalid_policy", daemon.call, "policy.reload")
        daemon.wait_for_log("forged.policy")
        self.assertFalse(any(line.startswith("2026 error: forged")
                             for line in daemon.log().splitlines()))


class Options(harness.DaemonTest):
    def run_daemon(self, *words, env=None):
        return subprocess.run([harness.AUTHZD, *words], capture_output=True, text=True,
                              env=env or harness.environment("/nonexistent"), check=False,
                              timeout=harness.DEADLINE, stdin=subprocess.DEVNULL)

    def test_help_and_version(self):
        done = self.run_daemon("--help")
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        for option in ("--policy", "--state", "--socket", "--config", "--workers", "--connections",
                       "--user-connections", "--idle", "--log-format"):
            self.assertIn(option, done.stdout)
        done = self.run_daemon("--version")
        self.assertEqual(done.returncode, 0)
        self.assertRegex(done.stdout, r"^authzd \d+\.\d+\.\d+\n$")

    def test_wrong_usage_is_two_and_says_what(self):
        for words, said in [
            ((), "--policy"),
            (("--policy",), "this option wants a value"),
            (("--policy", "/x", "more"), "more"),
            (("--policy", "/x", "--workers", "0"), "from 1 to 64"),
            (("--policy", "/x", "--workers", "2x"), "from 1 to 64"),
            (("--policy", "/x", "--connections", "15"), "from 16 to 65536"),
            (("--policy", "/x", "--user-connections", "x"), "from 1 to 65536"),
            (("--policy", "/x", "--idle", "25h"), "from 1s to 24h"),
            (("--policy", "/x", "--log-format", "xml"), "text or json"),
            (("--policy", ""), "empty"),
            (("--polcy", "x"), "unknown option: --polcy: did you mean '--policy'?\n"),
            (("--quux=x",), "unknown option: --quux=x\n"),
        ]:
            with self.subTest(words):
                done = self.run_daemon(*words)
                self.assertEqual(done.returncode, 2, done.stderr)
                self.assertIn(said, done.stderr)

    @unittest.skipIf(os.geteuid() == 0, "root's defaults are the system's")
    def test_by_hand_state_and_socket_have_their_places(self):
        daemon = self.daemon({"a.policy": POLICY}, start=False)
        daemon.state = daemon.folder / ".local" / "state" / "authz"
        daemon.socket = daemon.state / "authz.sock"
        daemon.command = lambda *more: [harness.AUTHZD, "--policy", str(daemon.policy), *more]
        daemon.start()
        self.assertEqual(stat.S_IMODE(daemon.state.stat().st_mode), 0o700)
        self.assertTrue(daemon.call("authorize", **AUTHORIZE)["allow"])


class Sockets(Configured):
    def two(self):
        daemon = self.configured("")
        decide, manage = daemon.folder / "d.sock", daemon.folder / "m.sock"
        (daemon.folder / "authzd.conf").write_text(
            f"listen {decide} 0660 decide\nlisten {manage} 0600 manage\n")
        daemon.socket = decide
        daemon.command = lambda *more: [
            harness.AUTHZD, "--policy", str(daemon.policy), "--state", str(daemon.state),
            *daemon.arguments, *more]
        daemon.start()
        return daemon, decide, manage

    def test_each_has_its_mode_and_lets_do_its_part(self):
        daemon, decide, manage = self.two()
        self.assertEqual(stat.S_IMODE(decide.stat().st_mode), 0o660)
        self.assertEqual(stat.S_IMODE(manage.stat().st_mode), 0o600)
        with Client(decide) as client:
            self.assertTrue(client.call("authorize", **AUTHORIZE)["allow"])
            for method in ("status", "policy.reload", "policy.status", "keys.list"):
                self.assert_error("forbidden", client.call, method)
        with Client(manage) as client:
            self.assert_error("forbidden", client.call, "authorize", **AUTHORIZE)
            self.assertIn("revision", client.call("policy.status"))
            self.assertEqual(client.call("keys.list")["items"], [])
        daemon.stop()
        self.assertFalse(decide.exists() or manage.exists())
        self.assertRegex(daemon.log(), f"ready .*sockets={decide},{manage}\n")

    def test_a_socket_that_took_our_place_is_not_removed(self):
        daemon = self.daemon()
        daemon.socket.unlink()
        other = socket.socket(socket.AF_UNIX)
        self.addCleanup(other.close)
        other.bind(str(daemon.socket))
        daemon.stop()
        self.assertTrue(daemon.socket.exists())


@unittest.skipUnless(os.geteuid() == 0, "needs root to be somebody else")
class Others(Configured):
    """Peers that are neither root nor the daemon's user."""

    NOBODY = 65534
    DAEMON = pwd.getpwnam("daemon").pw_uid

    def as_user(self, uid, path, method, /, **params):
        """One call by a process of that user; its result, or the error's code."""
        script = ("import sys, os, json\n"
                  "sys.path.insert(0, sys.argv[2])\n"
                  "import harness\n"
                  "os.setgroups([]); os.setgid(int(sys.argv[1])); os.setuid(int(sys.argv[1]))\n"
                  "with harness.Client(sys.argv[3]) as client:\n"
                  "    try:\n"
                  "        print(json.dumps(client.call(sys.argv[4], **json.loads(sys.argv[5]))))\n"
                  "    except harness.Error as error:\n"
                  "        print(json.dumps(error.code))\n")
        done = subprocess.run(
            ["/usr/bin/python3", "-c", script, str(uid), os.path.dirname(harness.__file__), str(path),
             method, json.dumps(params)], capture_output=True, text=True, check=True,
            timeout=harness.DEADLINE)
        return json.loads(done.stdout)

    def open_to_all(self, text):
        daemon = self.configured("")
        os.chmod(daemon.folder, 0o711)
        daemon.socket = daemon.folder / "all.sock"
        (daemon.folder / "authzd.conf").write_text(f"listen {daemon.socket} 0666 both\n{text}")
        daemon.command = lambda *more: [
            harness.AUTHZD, "--policy", str(daemon.policy), "--state", str(daemon.state),
            *daemon.arguments, *more]
        daemon.start()
        return daemon

    def test_strangers_state_nothing_and_manage_nothing(self):
        daemon = self.open_to_all("")
        answer = self.as_user(self.DAEMON, daemon.socket, "authorize", **AUTHORIZE)
        self.assertEqual(answer["reason"], "not_trusted")
        for method in ("status", "policy.reload", "keys.list"):
            self.assertEqual(self.as_user(self.DAEMON, daemon.socket, method), "forbidden")

    def test_a_strangers_fact_denies_whatever_the_token_is(self):
        daemon = self.open_to_all("")
        daemon.call("principals.create", id="eve")
        daemon.call("assignments.create", principal="eve", role="viewer")
        token = daemon.call("keys.create", principal="eve")["secret"]
        asked = {"token": token, "method": "GET", "path": "/loans"}
        answer = self.as_user(self.DAEMON, daemon.socket, "authorize", **asked)
        self.assertEqual((answer["allow"], answer["status"], answer["reason"]), (True, 200, "ok"))
        for fact in ({"ip": "192.0.2.1"}, {"mfa_at": 1}, {"time": 1}):
            with self.subTest(fact=fact):
                answer = self.as_user(self.DAEMON, daemon.socket, "authorize", **asked, **fact)
                self.assertEqual((answer["allow"], answer["status"], answer["reason"]),
                                 (False, 403, "not_trusted"))
        del asked["token"]
        answer = self.as_user(self.DAEMON, daemon.socket, "authorize", principal="eve", **asked)
        self.assertEqual(answer["reason"], "not_trusted")

    def test_trust_and_manage_lines_permit_what_they_name(self):
        daemon = self.open_to_all(
            "trust user daemon\nmanage user daemon authz:/keys/** read\n"
            "manage user daemon authz:/keys list\n")
        answer = self.as_user(self.DAEMON, daemon.socket, "authorize", **AUTHORIZE)
        self.assertTrue(answer["allow"])
        self.assertEqual(self.as_user(self.DAEMON, daemon.socket, "keys.list")["items"], [])
        self.assertEqual(
            self.as_user(self.DAEMON, daemon.socket, "keys.create", principal="ann"), "forbidden")
        self.assertEqual(self.as_user(self.DAEMON, daemon.socket, "principals.list"), "forbidden")
        self.assertIn("revision", self.as_user(self.DAEMON, daemon.socket, "policy.status"))

    def test_uid_65534_is_never_anybody(self):
        name = pwd.getpwuid(self.NOBODY).pw_name
        for line in (f"trust user {name}", f"manage user {name} authz:/** all"):
            status, said = self.configured(f"watch yes\n{line}\n").refuses_to_start()
            self.assertEqual(status, 1)
            self.assertIn(":2:", said)
            self.assertIn("stands for all that the kernel cannot name", said)
        daemon = self.open_to_all("trust group daemon\nmanage group daemon authz:/** all\n")
        answer = self.as_user(self.NOBODY, daemon.socket, "authorize", **AUTHORIZE)
        self.assertEqual(answer["reason"], "not_trusted")
        self.assertEqual(self.as_user(self.NOBODY, daemon.socket, "keys.list"), "forbidden")

    def test_one_user_has_256_connections_and_others_go_on(self):
        daemon = self.open_to_all("")
        script = ("import sys, os\n"
                  "sys.path.insert(0, sys.argv[2])\n"
                  "import harness\n"
                  "os.setgroups([]); os.setgid(int(sys.argv[1])); os.setuid(int(sys.argv[1]))\n"
                  "many = [harness.Client(sys.argv[3]) for _ in range(256)]\n"
                  "for client in many:\n"
                  "    try:\n"
                  "        client.call('nothing')\n"
                  "    except harness.Error as error:\n"
                  "        assert error.code == 'unknown_method', error\n"
                  "more = harness.Client(sys.argv[3]).receive_message()\n"
                  "print(more[1], more[2]['code'])\n")
        done = subprocess.run(
            ["/usr/bin/python3", "-c", script, str(self.DAEMON), os.path.dirname(harness.__file__),
             str(daemon.socket)], capture_output=True, text=True, check=True,
            timeout=harness.DEADLINE)
        self.assertEqual(done.stdout, "None overloaded\n")
        self.assertTrue(daemon.call("authorize", **AUTHORIZE)["allow"])

    def test_a_connection_too_many_is_refused_with_the_reason_counted_and_logged(self):
        daemon = self.open_to_all("user_connections 4\n")
        script = ("import os, subprocess, sys\n"
                  "sys.path.insert(0, sys.argv[2])\n"
                  "import harness\n"
                  "os.setgroups([]); os.setgid(int(sys.argv[1])); os.setuid(int(sys.argv[1]))\n"
                  "many = [harness.Client(sys.argv[3]) for _ in range(4)]\n"
                  "for client in many:\n"
                  "    assert 'allow' in client.call('authorize', token='x', method='GET', path='/')\n"
                  "print(os.getpid())\n"
                  "tool = [sys.argv[4], '--socket', sys.argv[3], 'principal', 'list']\n"
                  "for command in (tool, [*tool, '--json'], tool):\n"
                  "    done = subprocess.run(command, capture_output=True, text=True)\n"
                  "    print(done.returncode, done.stderr, done.stdout)\n")
        done = subprocess.run(
            ["/usr/bin/python3", "-c", script, str(self.DAEMON), os.path.dirname(harness.__file__),
             str(daemon.socket), harness.AUTHZCHECK], capture_output=True, text=True, check=True,
            timeout=harness.DEADLINE, env={**os.environ, "NO_COLOR": "1"})
        reason = "this user has as many connections as one may have now: close some, or try later"
        self.assertEqual(done.stdout.count(f"3 authzcheck: overloaded: {reason}\n"), 3, done.stdout)
        self.assertIn('"code": "overloaded"', done.stdout)
        self.assertEqual(daemon.call("status")["counters"]["refused"], 3)
        # One line a minute: the first one.
        log = daemon.wait_for_log("connections were refused")
        lines = [line for line in log.splitlines() if "connections were refused" in line]
        self.assertEqual(len(lines), 1, daemon.log())
        self.assertIn(f'count=1 last_user={self.DAEMON} last_reason="{reason}"', lines[0])

    def test_as_root_it_becomes_its_user_and_cannot_go_back(self):
        daemon = self.open_to_all("user daemon\n")
        text = open(f"/proc/{daemon.pid}/status", encoding="ascii").read()
        fields = dict(line.split(":\t", 1) for line in text.splitlines() if ":\t" in line)
        self.assertEqual(fields["Uid"].split(), [str(self.DAEMON)] * 4)
        self.assertEqual(fields["NoNewPrivs"], "1")
        self.assertEqual(fields["CapEff"], "0" * 16)
        self.assertEqual(os.stat(daemon.state).st_uid, self.DAEMON)
        self.assertTrue(daemon.call("authorize", **AUTHORIZE)["allow"])
        self.assertTrue(self.as_user(self.DAEMON, daemon.socket, "authorize", **AUTHORIZE)["allow"])


class Ending(harness.DaemonTest):
    def test_requests_that_were_read_are_answered_at_the_end(self):
        daemon = self.daemon({"a.policy": POLICY})
        client = daemon.client()
        numbers = [client.send("principals.create", {"id": f"p{n}", "name": "x", "kind": "user"})
                   for n in range(200)]
        client.receive(numbers[0])
        daemon.signal(signal.SIGTERM)
        answered = 1
        try:
            for number in numbers[1:]:
                client.receive(number)
                answered += 1
        except AssertionError:
            pass
        self.assertEqual(daemon.wait(), 0)
        daemon.start()
        kept = len(daemon.call("principals.list", limit=1000)["items"])
        self.assertGreaterEqual(kept, answered)

    def leave_unread(self, daemon):
        """A client that sends until the daemon reads no more from it, and reads no answer."""
        rude = Client(daemon.socket)
        self.addCleanup(rude.close)
        rude.socket.setblocking(False)
        data = Client.request(1, "authorize", AUTHORIZE) * 1000
        # A busy daemon leaves the buffer full for a moment; one that has stopped reading, for seconds.
        while select.select([], [rude.socket], [], 2)[1]:
            try:
                rude.socket.send(data)
            except BlockingIOError:
                pass

    def test_a_second_signal_ends_at_once(self):
        daemon = self.daemon({"a.policy": POLICY})
        self.leave_unread(daemon)
        daemon.signal(signal.SIGTERM)
        harness.wait_until(lambda: "ending" in daemon.log())
        daemon.signal(signal.SIGTERM)
        self.assertEqual(daemon.wait(), -signal.SIGTERM)

    def test_a_peer_that_does_not_read_delays_the_end_by_five_seconds(self):
        daemon = self.daemon({"a.policy": POLICY})
        self.leave_unread(daemon)
        daemon.signal(signal.SIGTERM)
        self.assertEqual(daemon.wait(), 0)

    def test_the_process_cannot_be_dumped(self):
        daemon = self.daemon()
        # Not dumpable: its files in /proc belong to root, whichever user runs it.
        text = open(f"/proc/{daemon.pid}/status", encoding="ascii").read()
        self.assertIn("NoNewPrivs:\t1", text)
        self.assertEqual(os.stat(f"/proc/{daemon.pid}/mem").st_uid, 0)


if __name__ == "__main__":
    unittest.main()
