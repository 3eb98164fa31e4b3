# SPDX-License-Identifier: Apache-2.0
"""A daemon with a user of its own, started in each way, and who can use it: root, that user, a
member of its group, a stranger."""

import os
import socket
import stat
import subprocess
import unittest
from pathlib import Path

import harness
import machine
from machine import USERS
from supervisor import listening, pass_sockets

POLICY = harness.SMALL_POLICY + "principal ann {\n    role viewer\n}\n"
AUTHZ = USERS["authz"][0]
RUN = Path("/run/authz")
DECIDE, MANAGE = RUN / "authz.sock", RUN / "admin.sock"

CONFIG = """\
policy {policy}
state {state}
listen /run/authz/authz.sock 0660 authz decide
listen /run/authz/admin.sock 0600 manage
trust group authz
"""

STATUS = ["status"]
CHECK = ["check", "--principal", "ann", "GET", "/loans"]


class OwnUser(machine.MachineTest):
    def tool(self, user, *words, env=None):
        return subprocess.run(
            [harness.AUTHZCHECK, *map(str, words)], stdin=subprocess.DEVNULL, capture_output=True,
            text=True, env={**harness.environment("/nonexistent"), **(env or {})},
            timeout=harness.DEADLINE, check=False, **self.run_as(user))

    def prepared(self, lines="", config=CONFIG):
        daemon = self.daemon({"a.policy": POLICY}, start=False)
        daemon.folder.chmod(0o755)
        path = daemon.folder / "authzd.conf"
        path.write_text(config.format(policy=daemon.policy, state=daemon.state) + lines)
        daemon.command = lambda *more: [*daemon.prefix, harness.AUTHZD, "--config", str(path), *more]
        return daemon

    def prepared_again(self, daemon, lines):
        """The same daemon with more lines of configuration."""
        path = daemon.folder / "authzd.conf"
        path.write_text(path.read_text() + lines)
        return daemon

    def give_state(self, daemon, user="authz"):
        os.chown(daemon.state, USERS[user][0], USERS[user][0])

    # How it is started

    def by_hand(self):
        self.folder(path=RUN)
        return self.prepared().start()

    def with_user(self):
        self.folder(path=RUN)
        return self.prepared("user authz\n").start()

    def with_user_in_its_folder(self):
        self.folder("authz", path=RUN)
        return self.prepared("user authz\n").start()

    def as_user(self):
        """As systemd does with User=authz and RuntimeDirectory=authz."""
        self.folder("authz", path=RUN)
        daemon = self.prepared()
        self.give_state(daemon)
        daemon.prefix = self.become("authz")
        return daemon.start()

    def units(self, daemon):
        """Root makes both sockets, as units with SocketUser= and SocketGroup=."""
        pass_sockets(daemon, [("authz.sock", listening(self, DECIDE, 0o660, AUTHZ, AUTHZ)),
                              ("admin.sock", listening(self, MANAGE, 0o600, AUTHZ, AUTHZ))])

    def activated(self):
        self.folder(path=RUN)
        daemon = self.prepared()
        self.give_state(daemon)
        self.units(daemon)
        daemon.prefix = [*self.become("authz"), *daemon.prefix]
        return daemon.start()

    def activated_with_user(self):
        self.folder(path=RUN)
        daemon = self.prepared("user authz\n")
        self.units(daemon)
        return daemon.start()

    OWN = ("with_user", "with_user_in_its_folder", "as_user", "activated", "activated_with_user")


class Starting(OwnUser):
    """A start that fails says which command mends it."""

    def refused(self, daemon, *said):
        status, text = daemon.refuses_to_start()
        self.assertEqual(status, 1, text)
        for part in said:
            self.assertIn(part, text)

    def test_a_state_folder_that_root_used_before_is_given_with_all_its_files(self):
        self.folder(path=RUN)
        daemon = self.prepared().start()
        daemon.stop()
        daemon = self.prepared_again(daemon, "user authz\n")
        advice = f"as root, chown -R authz: {daemon.state}"
        self.refused(daemon, advice)
        self.give_state(daemon)
        for name in ("store.mdb", "store.mdb-head", "pepper"):
            with self.subTest(name=name):
                for path in daemon.state.iterdir():
                    os.chown(path, AUTHZ, AUTHZ)
                os.chown(daemon.state / name, 0, 0)
                self.refused(daemon, f"{daemon.state}/{name} belongs to uid 0", advice)
        for path in daemon.state.iterdir():
            os.chown(path, AUTHZ, AUTHZ)
        daemon.start()

    def test_missing_folders_are_named_with_owner_and_mode(self):
        self.folder("authz", path=RUN)
        daemon = self.prepared("user authz\n")
        log = daemon.folder / "logs" / "decisions"
        path = daemon.folder / "authzd.conf"
        text = path.read_text()
        path.write_text(text + f"decision_log {log}\n")
        advice = f"as root, install -d -m 0750 -o {AUTHZ} {log.parent}"
        self.refused(daemon, f"cannot open the decision log {log}: its folder is missing", advice)
        subprocess.run(["install", "-d", "-m", "0750", "-o", str(AUTHZ), log.parent], check=True)
        daemon.start()
        daemon.stop()
        away = daemon.folder / "sockets"
        path.write_text(text + f"listen {away}/more.sock 0660 decide\n")
        self.refused(daemon, "the socket's folder is missing",
                     "as root, install -d -m 0755 -o ", f" {away}")

    def test_a_policy_that_the_daemons_user_cannot_read_is_named_with_a_chmod(self):
        self.folder(path=RUN)
        daemon = self.prepared("user authz\n")
        path = daemon.policy / "a.policy"
        path.chmod(0o600)
        self.refused(daemon, f"{path} cannot be opened", f"uid {AUTHZ}: chmod a+r {path}")
        path.chmod(0o644)
        daemon.policy.chmod(0o700)
        self.refused(daemon, f"uid {AUTHZ}: chmod a+rx {daemon.policy}")
        daemon.policy.chmod(0o755)
        os.chown(path, 1, 1)
        self.refused(daemon, f"chown 0 {path}")
        os.chown(path, 0, 0)
        daemon.start()


class Callers(OwnUser):
    def expect(self, user, words, status, *said):
        done = self.tool(user, *words)
        self.assertEqual(done.returncode, status, f"{user}: {done.stdout}{done.stderr}")
        for text in said:
            self.assertIn(text, done.stderr, user)
        if status == 0:
            self.assertEqual(done.stderr, "", user)

    def each(self, ways):
        for way in ways:
            with self.subTest(way):
                daemon = getattr(self, way)()
                yield daemon
                daemon.stop()
                self.doCleanups()

    def test_root_and_the_daemons_user_manage_and_ask(self):
        for _ in self.each(self.OWN):
            for user in ("root", "authz"):
                self.expect(user, STATUS, 0)
                self.expect(user, CHECK, 0)
                self.expect(user, ["principal", "create", f"of-{user}"], 0)

    def test_a_member_of_the_group_asks_and_learns_why_it_cannot_manage(self):
        for _ in self.each(("by_hand", *self.OWN)):
            self.expect("clerk", CHECK, 0)
            owner = "root" if os.stat(MANAGE).st_uid == 0 else "authz"
            self.expect("clerk", STATUS, 1, "forbidden: this socket is for decisions",
                        f"the socket for managing is {MANAGE}: it belongs to {owner}:{owner} with "
                        f"mode 0600: run authzcheck as {owner}, not as clerk")

    def test_a_stranger_learns_why_it_cannot_ask(self):
        for _ in self.each(("by_hand", *self.OWN)):
            owner = "root" if os.stat(DECIDE).st_uid == 0 else "authz"
            denied = f"{DECIDE}: the daemon's socket cannot be reached: Permission denied"
            self.expect("guest", CHECK, 3, f"{denied}: it belongs to {owner}:authz with mode 0660: "
                        f"run authzcheck as {owner} or in group authz, not as guest")
            # In group authz it could not manage.
            self.expect("guest", STATUS, 3, f"{denied}; the socket for managing is {MANAGE}: it "
                        f"belongs to {owner}:{owner} with mode 0600: run authzcheck as {owner}, not "
                        "as guest")

    def test_by_hand_as_root_the_sockets_are_roots(self):
        for _ in self.each(("by_hand",)):
            self.expect("root", STATUS, 0)
            self.expect("root", CHECK, 0)
            self.expect("authz", CHECK, 0)
            self.expect("authz", STATUS, 1, "run authzcheck as root, not as authz")

    def test_a_token_manages_by_the_socket_for_decisions(self):
        self.as_user()
        for words in (["principal", "create", "ops"], ["role", "create", "looks", "--grant",
                      "allow list on authz:/keys"], ["assign", "ops", "looks"]):
            self.expect("root", words, 0)
        secret = self.tool("root", "key", "create", "--principal", "ops").stdout.strip()
        done = self.tool("clerk", "key", "list", env={"AUTHZ_TOKEN": secret})
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        # What it may not do, it may not do by any socket.
        done = self.tool("clerk", "principal", "list", env={"AUTHZ_TOKEN": secret})
        self.assertEqual(done.returncode, 1)
        self.assertIn("forbidden", done.stderr)
        self.assertNotIn("the socket for managing", done.stderr)

    def test_without_a_daemon_both_places_are_named(self):
        self.folder(path=RUN)
        done = self.tool("clerk", "status")
        self.assertIn(f", nor is there {DECIDE}: is authzd running?", done.stderr)
        self.assertNotIn("nor is there", self.tool("root", "status").stderr)
        done = self.tool("clerk", "--socket", "/nonexistent/authz.sock", "status")
        self.assertNotIn("nor is there", done.stderr)

    def test_a_socket_that_is_named_is_used(self):
        self.as_user()
        done = self.tool("root", "--socket", DECIDE, "status")
        self.assertIn("this socket is for decisions: use a socket for managing\n", done.stderr)
        self.assertIn(f"the socket for managing is {MANAGE}: give --socket {MANAGE}\n", done.stderr)
        done = self.tool("root", "key", "list", env={"AUTHZ_SOCKET": str(DECIDE)})
        self.assertIn("this socket is for decisions: give a token, or use a socket for managing\n",
                      done.stderr)
        self.assertIn(f"the socket for managing is {MANAGE}: give --socket {MANAGE}\n", done.stderr)
        self.assertEqual(self.tool("root", "status", env={"AUTHZ_SOCKET": str(MANAGE)}).returncode, 0)


class Sockets(OwnUser):
    def rights(self, path):
        status = os.stat(path)
        self.assertTrue(stat.S_ISSOCK(status.st_mode))
        return status.st_uid, status.st_gid, stat.S_IMODE(status.st_mode)

    def served_by(self, path):
        """The user whom the kernel shows to clients."""
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(str(path))
            return int.from_bytes(client.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12)[4:8],
                                  "little")

    def test_they_belong_to_the_daemons_user_however_it_is_started(self):
        for way in self.OWN:
            with self.subTest(way):
                daemon = getattr(self, way)()
                self.assertEqual(self.rights(DECIDE), (AUTHZ, AUTHZ, 0o660))
                self.assertEqual(self.rights(MANAGE), (AUTHZ, AUTHZ, 0o600))
                fields = Path(f"/proc/{daemon.pid}/status").read_text(encoding="ascii")
                self.assertIn(f"\nUid:\t{AUTHZ}\t{AUTHZ}\t{AUTHZ}\t{AUTHZ}\n", fields)
                listened_by = AUTHZ if way == "as_user" else 0
                for path in (DECIDE, MANAGE):
                    self.assertEqual(self.served_by(path), listened_by)
                daemon.stop()
                self.doCleanups()

    def test_they_belong_to_whom_the_line_names(self):
        self.folder(path=RUN)
        daemon = self.prepared("user authz\n", CONFIG.replace("0660 authz", "0620 clerk:guest")
                               .replace("0600 manage", "0640 guest: manage"))
        daemon.start()
        guest, clerk = USERS["guest"][0], USERS["clerk"][0]
        self.assertEqual(self.rights(DECIDE), (clerk, guest, 0o620))
        self.assertEqual(self.rights(MANAGE), (guest, AUTHZ, 0o640))

    def test_only_root_can_give_them_to_another_user(self):
        self.folder("authz", path=RUN)
        daemon = self.prepared("", CONFIG.replace("0600 manage", "0600 clerk: manage"))
        self.give_state(daemon)
        daemon.prefix = self.become("authz")
        status, said = daemon.refuses_to_start()
        self.assertEqual(status, 1)
        self.assertIn(f"cannot give the socket to uid {USERS['clerk'][0]}", said)
        self.assertFalse(DECIDE.exists() or MANAGE.exists())

    def test_the_number_of_unmapped_users_is_nobodys_own(self):
        self.folder(path=RUN)
        for line in ("user nobody\n", "policy_owner nobody\n", "manage user nobody authz:/** all\n",
                     "trust user nobody\n"):
            status, said = self.prepared(line).refuses_to_start()
            self.assertEqual(status, 1, said)
            self.assertIn("is number 65534, which stands for all that the kernel cannot name", said)
        daemon = self.prepared()
        daemon.prefix = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--"]
        status, said = daemon.refuses_to_start()
        self.assertEqual(status, 1, said)
        self.assertIn("this process is uid 65534, which stands for all users", said)

    def test_a_client_that_is_unmapped_does_not_trust_a_server_that_is_too(self):
        alone = ["unshare", "--user", "--"]
        if subprocess.run([*alone, "true"], capture_output=True, check=False).returncode != 0:
            self.skipTest("this host permits no user namespace")
        self.folder("authz", path=RUN)
        daemon = self.prepared("user authz\n", CONFIG.replace("0660 authz", "0666 authz"))
        daemon.start()
        done = subprocess.run(
            [*alone, harness.AUTHZCHECK, "--socket", str(DECIDE), *CHECK], stdin=subprocess.DEVNULL,
            capture_output=True, text=True, env=harness.environment("/nonexistent"),
            timeout=harness.DEADLINE, check=False)
        self.assertNotEqual(done.returncode, 0, done.stdout)
        self.assertIn("which is not trusted, since this number stands for every user of another user "
                      "namespace", done.stderr)

    def test_a_start_that_fails_leaves_no_socket(self):
        self.folder(path=RUN)
        daemon = self.prepared()
        daemon.write("a.policy", "role {\n")
        status, said = daemon.refuses_to_start()
        self.assertEqual(status, 1, said)
        self.assertFalse(DECIDE.exists() or MANAGE.exists())

    def test_in_a_folder_of_its_own_it_removes_them_and_starts_again(self):
        daemon = self.as_user()
        daemon.stop()
        self.assertFalse(DECIDE.exists() or MANAGE.exists())
        daemon.start()
        daemon.kill()
        daemon.start()
        self.assertEqual(self.tool("authz", *CHECK).returncode, 0)

    def test_a_folder_of_roots_keeps_a_dead_socket_that_the_next_start_replaces(self):
        daemon = self.with_user()
        daemon.stop()
        self.assertTrue(DECIDE.exists())
        daemon.start()
        self.assertEqual(self.tool("authz", *CHECK).returncode, 0)


class Trust(OwnUser):
    """The user who serves is not root here: the daemon was started as authz."""

    def refused(self, user, *words, why, env=None):
        done = self.tool(user, *words, env=env)
        self.assertEqual(done.returncode, 3, done.stdout)
        self.assertIn("the socket is served by uid 4711 (authz), which is not trusted, since " + why,
                      done.stderr)
        self.assertIn("if this is the daemon's user, set AUTHZ_SERVER_USER=authz, or give "
                      "--server-user", done.stderr)

    def test_a_folder_that_others_can_write_needs_a_word(self):
        self.as_user()
        RUN.chmod(0o775)
        why = f"others can write {RUN}, and could replace the socket"
        for user in ("root", "clerk"):
            self.refused(user, *CHECK, why=why)
            self.refused(user, "--server-user", "guest", *CHECK, why=why)
            for given in ("authz", AUTHZ):
                self.assertEqual(self.tool(user, "--server-user", given, *CHECK).returncode, 0)
                self.assertEqual(self.tool(user, *CHECK, env={"AUTHZ_SERVER_USER": str(given)})
                                 .returncode, 0)
            # The option comes first.
            self.refused(user, "--server-user", "guest", *CHECK, why=why,
                         env={"AUTHZ_SERVER_USER": "authz"})
        self.assertEqual(self.tool("authz", *CHECK).returncode, 0, "its own user is always trusted")

    def test_another_folders_owner_needs_a_word(self):
        self.as_user()
        os.chown(RUN, 0, 0)
        self.refused("clerk", *CHECK, why=f"the socket's folder {RUN} belongs to uid 0")

    def test_a_stranger_in_the_daemons_place_is_refused(self):
        # Its own folder in /tmp names it, but so could any stranger's.
        daemon = self.prepared("", "policy {policy}\nstate {state}\nlisten /tmp/x/s 0666 both\n")
        self.folder("guest", path="/tmp/x")
        self.give_state(daemon, "guest")
        daemon.prefix = self.become("guest")
        daemon.start()
        for user in ("root", "clerk", "authz"):
            done = self.tool(user, "--socket", "/tmp/x/s", *CHECK)
            self.assertEqual(done.returncode, 3, done.stdout)
            self.assertIn("served by uid 4713 (guest), which is not trusted, since others can write "
                          "/tmp,", done.stderr)
        self.assertEqual(self.tool("guest", "--socket", "/tmp/x/s", *CHECK).returncode, 0)

    def test_an_unknown_user_is_a_usage_error(self):
        for words, env, said in ((["--server-user", "nosuch"], {}, "--server-user 'nosuch'"),
                                 (["--server-user", ""], {}, "--server-user ''"),
                                 ([], {"AUTHZ_SERVER_USER": "7x"}, "$AUTHZ_SERVER_USER '7x'")):
            done = self.tool("root", *words, *CHECK, env=env)
            self.assertEqual(done.returncode, 2)
            self.assertIn(said + ": this machine has no such user", done.stderr)

    def test_a_users_own_daemon_needs_no_word(self):
        # Started by hand without an option but the policy, at its default places.
        home = self.folder("guest")
        daemon = self.daemon({"a.policy": POLICY}, start=False, folder=home)
        daemon.prefix = self.become("guest")
        daemon.command = lambda *more: [*daemon.prefix, harness.AUTHZD, "--policy",
                                        str(daemon.policy), *more]
        daemon.start()
        path = home / ".local/state/authz/authz.sock"
        for words in (STATUS, CHECK):
            self.assertEqual(self.tool("guest", *words, env={"HOME": str(home)}).returncode, 0)
            self.assertEqual(self.tool("root", "--socket", path, *words).returncode, 0)


if __name__ == "__main__":
    unittest.main()
