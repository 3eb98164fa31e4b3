# SPDX-License-Identifier: Apache-2.0
"""The policy changes while the daemon serves: the daemon notices, uses the new one for all decisions
at once, and refuses it whole when it has errors."""

import os
import shutil
import signal
import subprocess
import threading
import unittest

import harness
from harness import Client, wait_until

BASE = """\
tree api {
    /loans { list GET, create POST }
}

principal ann {
    role clerk
}
"""
# The role's grants are in a file of their own, which changes together with many others.
READS = "role clerk {\n    allow list on api:/loans\n}\n"
WRITES = "role clerk {\n    allow create on api:/loans\n}\n"
BROKEN = "role clerk {\n    allow reed on api:/loans\n}\n"
FAILING = WRITES + 'test "it reads" {\n    as principal ann\n    allow GET api:/loans\n}\n'

READ = {"principal": "ann", "method": "GET", "path": "/loans"}
WRITE = {"principal": "ann", "method": "POST", "path": "/loans"}


def files(clerk):
    return {"base.policy": BASE, "clerk.policy": clerk}


class Asking:
    """Connections that ask without a pause; keeps each answer as (revision, allow)."""

    def __init__(self, daemon, connections=8):
        self.stop = threading.Event()
        self.answers = [[] for _ in range(connections)]
        self.errors = []
        self.threads = [
            threading.Thread(target=self.run, args=(daemon.socket, answers))
            for answers in self.answers
        ]

    def run(self, path, answers):
        try:
            with Client(path) as client:
                while not self.stop.is_set():
                    answer = client.call("authorize", **READ)
                    answers.append((answer["revision"], answer["allow"]))
        except Exception as error:  # pylint: disable=broad-except
            self.errors.append(error)

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        wait_until(lambda: all(self.answers) or self.errors, what="all connections ask")
        return self

    def __exit__(self, *_):
        self.stop.set()
        for thread in self.threads:
            thread.join()


class Reloading(harness.DaemonTest):
    def revision(self, daemon):
        return daemon.call("policy.status")["revision"]

    def assert_follows(self, daemon, change, to_writes=True):
        """Makes a `change` under load without a reload request: each answer is by the old policy or by
        the new one, and no connection gets the old one after the new one."""
        old = self.revision(daemon)
        with Asking(daemon) as asking:
            change()
            wait_until(lambda: self.revision(daemon) != old or asking.errors, what="the exchange")
            new = self.revision(daemon)
            seen = [len(answers) for answers in asking.answers]
            wait_until(lambda: asking.errors or all(
                len(answers) > n + 10 for answers, n in zip(asking.answers, seen)))
        self.assertEqual(asking.errors, [])
        expected = [(old, to_writes), (new, not to_writes)]
        for answers in asking.answers:
            self.assertEqual(set(answers) - set(expected), set())
            self.assertEqual(answers, sorted(answers, key=expected.index))
            self.assertEqual(answers[-1], expected[1])

    def test_an_edit_in_place_is_noticed(self):
        daemon = self.daemon(files(READS))
        self.assert_follows(daemon, lambda: daemon.write("clerk.policy", WRITES))

    def test_a_rename_over_is_noticed(self):
        daemon = self.daemon(files(READS))
        self.assert_follows(daemon, lambda: daemon.replace("clerk.policy", WRITES))
        # The file that was renamed over it is watched like the one before.
        self.assert_follows(daemon, lambda: daemon.write("clerk.policy", READS), to_writes=False)

    def test_a_checkout_of_many_files_is_one_change(self):
        many = {f"part{n}/x.policy": f'role r{n} {{\n    allow list on api:/loans\n}}\n'
                for n in range(60)}
        daemon = self.daemon({**files(READS), **many}, start=False)

        def git(*words):
            subprocess.run(
                ["git", "-C", daemon.policy, "-c", "user.name=t", "-c", "user.email=t@localhost",
                 "-c", "safe.directory=*", "-c", "init.defaultBranch=main", *words],
                check=True, capture_output=True, env=harness.environment(daemon.folder))

        git("init")
        git("add", ".")
        git("commit", "-m", "old")
        for number in range(60):
            daemon.write(f"part{number}/x.policy",
                         f'role s{number} {{\n    allow create on api:/loans\n}}\n')
        daemon.write("clerk.policy", WRITES)
        git("commit", "-am", "new")
        git("checkout", "-q", "HEAD~1")
        daemon.start()
        self.assert_follows(daemon, lambda: git("checkout", "-q", "main"))
        status = daemon.call("policy.status")
        self.assertEqual((status["reloads"], status["refused"]), (1, 0))

    def test_a_swapped_link_is_noticed(self):
        daemon = self.daemon(start=False)
        shutil.rmtree(daemon.policy)
        for name, clerk in (("one", READS), ("two", WRITES)):
            release = daemon.folder / "releases" / name / "policy"
            release.mkdir(parents=True)
            for file, text in files(clerk).items():
                (release / file).write_text(text)

        def point_to(name):
            aside = daemon.folder / "aside"
            aside.symlink_to(f"releases/{name}")
            aside.rename(daemon.folder / "current")

        point_to("one")
        daemon.policy = daemon.folder / "current" / "policy"
        daemon.start()
        self.assert_follows(daemon, lambda: point_to("two"))
        self.assert_follows(daemon, lambda: point_to("one"), to_writes=False)
        # The link's new target is watched too.
        path = daemon.folder / "releases" / "one" / "policy" / "clerk.policy"
        self.assert_follows(daemon, lambda: path.write_text(WRITES))

    def test_a_swapped_data_link_inside_the_folder_is_noticed(self):
        daemon = self.daemon(start=False)
        shutil.rmtree(daemon.policy)
        daemon.policy.mkdir()
        for name, clerk in (("..one", READS), ("..two", WRITES)):
            (daemon.policy / name).mkdir()
            for file, text in files(clerk).items():
                (daemon.policy / name / file).write_text(text)
        (daemon.policy / "..data").symlink_to("..one")
        for file in files(READS):
            (daemon.policy / file).symlink_to(f"..data/{file}")
        daemon.start()

        def swap():
            (daemon.policy / "..tmp").symlink_to("..two")
            (daemon.policy / "..tmp").rename(daemon.policy / "..data")

        self.assert_follows(daemon, swap)

    def test_a_folder_moved_aside_and_back_is_noticed(self):
        daemon = self.daemon(files(READS))
        new = daemon.folder / "new"
        shutil.copytree(daemon.policy, new)
        (new / "clerk.policy").write_text(WRITES)

        def swap():
            daemon.policy.rename(daemon.folder / "old")
            new.rename(daemon.policy)

        self.assert_follows(daemon, swap)

    def test_a_new_file_in_a_new_folder_is_noticed(self):
        daemon = self.daemon(files(READS))
        old = self.revision(daemon)
        daemon.write("more/deep/x.policy", "role extra {\n    allow list on api:/loans\n}\n")
        wait_until(lambda: self.revision(daemon) != old)
        middle = self.revision(daemon)
        daemon.write("more/deep/x.policy", "role extra {\n    allow create on api:/loans\n}\n")
        wait_until(lambda: self.revision(daemon) not in (old, middle))
        shutil.rmtree(daemon.policy / "more")
        wait_until(lambda: self.revision(daemon) == old)

    def test_sighup_reloads_where_nothing_is_watched(self):
        config = "watch no\n"
        daemon = self.daemon(files(READS), start=False)
        (daemon.folder / "authzd.conf").write_text(config)
        daemon.arguments += ["--config", str(daemon.folder / "authzd.conf")]
        daemon.start()
        daemon.write("clerk.policy", WRITES)
        self.assertTrue(daemon.call("authorize", **READ)["allow"])
        self.assert_follows(daemon, lambda: daemon.signal(signal.SIGHUP))

    def test_reload_answers_when_it_has_ended_and_holds_for_the_next_decision(self):
        daemon = self.daemon(files(READS))
        client, other = daemon.client(), daemon.client()
        for round_number in range(6):
            text = WRITES if round_number % 2 == 0 else READS
            daemon.write("clerk.policy", text)
            revision = client.call("policy.reload")["revision"]
            for asker in (client, other):
                answer = asker.call("authorize", **READ)
                self.assertEqual((answer["revision"], answer["allow"]), (revision, text == READS))

    def test_a_reload_that_changed_nothing_exchanges_nothing(self):
        daemon = self.daemon(files(READS))
        before = daemon.call("policy.status")
        self.assertEqual(daemon.call("policy.reload")["revision"], before["revision"])
        daemon.write("notes.txt", "no policy\n")
        os.utime(daemon.policy / "clerk.policy")
        self.assertEqual(daemon.call("policy.reload")["revision"], before["revision"])
        after = daemon.call("policy.status")
        self.assertEqual((after["serial"], after["reloads"]), (before["serial"], 0))


class Refusing(harness.DaemonTest):
    # Files are replaced in one step: one written in place could be found empty, which is not a mistake.

    def assert_refused(self, daemon, problem):
        """The present policy stays, and log and status show the error, which is returned."""
        old = daemon.call("authorize", **READ)["revision"]
        error = self.assert_error("invalid_policy", daemon.call, "policy.reload")
        self.assertTrue(any(problem in found["message"] for found in error.error["diagnostics"]),
                        error.error)
        status = daemon.call("policy.status")
        self.assertFalse(status["ok"])
        self.assertEqual(status["revision"], old)
        self.assertEqual(status["diagnostics"], error.error["diagnostics"])
        answer = daemon.call("authorize", **READ)
        self.assertEqual((answer["revision"], answer["allow"]), (old, True))
        self.assertNotIn('why=""', daemon.wait_for_log("refused"))
        return error

    def test_a_broken_policy_is_refused_whole_and_the_running_one_stays(self):
        daemon = self.daemon(files(READS))
        with Asking(daemon) as asking:
            daemon.replace("clerk.policy", BROKEN)
            error = self.assert_refused(daemon, "reed")
        self.assertEqual(asking.errors, [])
        self.assertEqual(len({answer for answers in asking.answers for answer in answers}), 1)
        found = error.error["diagnostics"][0]
        self.assertEqual((found["severity"], found["line"], found["column"]), ("error", 2, 11))
        self.assertTrue(found["file"].endswith("policy/clerk.policy"))
        # After a correction the policy is loaded without a reload request.
        daemon.replace("clerk.policy", WRITES)
        wait_until(lambda: not daemon.call("authorize", **READ)["allow"])
        wait_until(lambda: daemon.call("policy.status")["ok"])

    def test_a_broken_policy_that_goes_back_is_well_again(self):
        daemon = self.daemon(files(READS))
        daemon.replace("clerk.policy", BROKEN)
        wait_until(lambda: not daemon.call("policy.status")["ok"])
        daemon.replace("clerk.policy", READS)
        wait_until(lambda: daemon.call("policy.status")["ok"])
        self.assertEqual(daemon.call("policy.status")["reloads"], 1)

    def test_a_policy_that_fails_its_own_tests_is_refused(self):
        daemon = self.daemon(files(READS))
        daemon.replace("clerk.policy", FAILING)
        self.assert_refused(daemon, "")

    TAKEN = "principal bob {\n}\nprincipal    ann2 {\n    role clerk\n}\nprincipal cy {\n}\n"

    def test_a_large_policy_is_exchanged_and_refused_as_a_small_one(self):
        """Large enough to be parsed in parts, in parallel."""
        def roles(part):
            return "".join(f"role {part}{n} {{\n" + "    allow list on api:/loans\n" + "}\n"
                           for n in range(2000))

        daemon = self.daemon({**files(READS), "one.policy": roles("one"), "two.policy": roles("two")})
        daemon.replace("two.policy", roles("two").replace("role two900 {", "rule two900 {"))
        daemon.replace("one.policy", roles("one") + "role late {\n    alloy GET on api:/loans\n}\n")
        told = self.assert_refused(daemon, "alloy").error["diagnostics"]
        self.assertEqual([(os.path.basename(one["file"]), one["line"]) for one in told],
                         [("one.policy", 6002), ("two.policy", 2701)])
        daemon.replace("one.policy", roles("one"))
        daemon.replace("two.policy", roles("two"))
        daemon.replace("clerk.policy", WRITES)
        daemon.call("policy.reload")
        self.assertTrue(daemon.call("authorize", **WRITE)["allow"])
        self.assertFalse(daemon.call("authorize", **READ)["allow"])

    def test_a_principal_whom_the_store_has_is_declared_by_no_policy(self):
        daemon = self.daemon(files(READS))
        for id in ("ann2", "bob"):
            daemon.call("principals.create", id=id)
        self.assert_error("conflict", daemon.call, "principals.create", id="ann")
        before = daemon.call("policy.status")["revision"]
        daemon.write("more.policy", self.TAKEN)
        error = self.assert_error("invalid_policy", daemon.call, "policy.reload")
        found = [(os.path.basename(one["file"]), one["line"], one["column"])
                 for one in error.error["diagnostics"]]
        self.assertEqual(found, [("more.policy", 1, 11), ("more.policy", 3, 14)])
        self.assertIn("'ann2'", error.error["diagnostics"][1]["message"])
        status = daemon.call("policy.status")
        self.assertEqual((status["revision"], status["ok"], status["errors"]), (before, False, 2))
        daemon.wait_for_log("more.policy:3:14")
        # A refused request does not block the others.
        daemon.call("principals.create", id="cy")
        for id in ("ann2", "bob", "cy"):
            daemon.call("principals.delete", id=id)
        daemon.call("policy.reload")
        self.assertNotEqual(daemon.call("policy.status")["revision"], before)
        self.assert_error("conflict", daemon.call, "principals.create", id="bob")

    def test_nor_by_one_that_a_daemon_starts_from(self):
        daemon = self.daemon(files(READS))
        daemon.call("principals.create", id="ann2")
        daemon.stop()
        daemon.write("more.policy", self.TAKEN)
        status, said = daemon.refuses_to_start("--strict")
        self.assertEqual(status, 1, said)
        self.assertIn("more.policy:3:14: error: principal 'ann2' is in the store too", said)
        daemon.write("more.policy", "")
        daemon.start()
        daemon.call("principals.get", id="ann2")

    def test_files_that_others_may_write_are_refused_with_the_chmod_command(self):
        daemon = self.daemon(files(READS))
        path = daemon.policy / "clerk.policy"
        path.chmod(0o666)
        self.assert_refused(daemon, f"chmod go-w {path}")
        path.chmod(0o644)
        daemon.policy.chmod(0o777)
        self.assert_refused(daemon, f"chmod go-w {daemon.policy}")
        daemon.policy.chmod(0o755)
        daemon.call("policy.reload")

    @unittest.skipUnless(os.geteuid() == 0, "needs root to give a file away")
    def test_files_of_other_users_are_refused_with_the_chown_command(self):
        daemon = self.daemon(files(READS))
        path = daemon.policy / "clerk.policy"
        os.chown(path, 12345, 12345)
        self.assert_refused(daemon, f"chown 0 {path}")

    def test_a_link_out_of_the_folder_is_refused(self):
        daemon = self.daemon(files(READS))
        outside = daemon.folder / "outside.policy"
        outside.write_text(WRITES)
        link = daemon.policy / "x.policy"
        link.symlink_to(outside)
        self.assert_refused(daemon, "leads out")
        link.unlink()
        link = daemon.policy / "sub"
        link.symlink_to("..")
        self.assert_refused(daemon, "leads out")

    def test_an_absolute_link_inside_is_refused_with_its_correction(self):
        daemon = self.daemon(files(READS))
        (daemon.policy / "again.policy").symlink_to(next(daemon.policy.glob("*.policy")))
        self.assert_refused(daemon, "make it relative")

    @unittest.skipUnless(os.geteuid() == 0, "only root can give a link away")
    def test_a_link_that_belongs_to_others_is_refused_with_the_chown_that_mends_it(self):
        daemon = self.daemon(files(READS))
        link = daemon.policy / "again.policy"
        (daemon.policy / ".real").write_text("role again {\n}\n")
        link.symlink_to(".real")
        os.lchown(link, 1, 1)
        self.assert_refused(daemon, f"chown -h 0 {link}")
        os.lchown(link, 0, 0)
        daemon.call("policy.reload")

    @unittest.skipUnless(os.geteuid() == 0, "only root can give a link away")
    def test_the_folder_is_named_by_no_link_of_others(self):
        daemon = self.daemon(files(READS), start=False)
        link = daemon.folder / "link"
        link.symlink_to(daemon.policy)
        os.lchown(link, 1, 1)
        for named in (link, f"{link}/"):
            daemon.policy = named
            status, said = daemon.refuses_to_start()
            self.assertEqual(status, 1, said)
            self.assertIn(f"chown -h 0 {link}", said)
        os.lchown(link, 0, 0)
        daemon.start()

    def test_a_pipe_in_the_folder_is_refused_and_never_waited_for(self):
        daemon = self.daemon(files(READS))
        os.mkfifo(daemon.policy / "pipe.policy", 0o600)
        self.assert_refused(daemon, "not a regular file")

    def test_links_in_a_circle_are_refused(self):
        daemon = self.daemon(files(READS))
        (daemon.policy / "sub").mkdir()
        (daemon.policy / "sub" / "again").symlink_to("../sub")
        self.assert_refused(daemon, "circle")

    def test_a_folder_without_policy_is_refused(self):
        daemon = self.daemon(files(READS))
        for name in files(READS):
            (daemon.policy / name).unlink()
        self.assert_refused(daemon, "")

    def test_a_file_beyond_its_bound_is_refused(self):
        daemon = self.daemon(files(READS))
        daemon.replace("big.policy", "# " + "x" * (8 << 20) + "\n")
        self.assert_refused(daemon, "8 MiB")


class Remembering(harness.DaemonTest):
    """What policy.status says of the last attempts at a policy, newest first."""

    def attempts(self, daemon):
        return daemon.call("policy.status")["attempts"]

    def refuse(self, daemon, text):
        daemon.replace("clerk.policy", text)
        self.assert_error("invalid_policy", daemon.call, "policy.reload")

    def test_each_attempt_is_kept_with_what_became_of_it(self):
        daemon = self.unwatched(files(READS))
        first = daemon.call("policy.status")["revision"]
        self.refuse(daemon, BROKEN)
        daemon.replace("clerk.policy", WRITES)
        second = daemon.call("policy.reload")["revision"]
        good, bad, start = self.attempts(daemon)
        me = f"uid:{os.getuid()}"
        names = ("trigger", "actor", "ok", "exchanged", "revision", "errors", "warnings", "times", "commit")
        for attempt, expected in (
                (start, ("start", "daemon", True, True, first, 0, 0, 1, None)),
                (bad, ("request", me, False, False, first, 1, 0, 1, None)),
                (good, ("request", me, True, True, second, 0, 0, 1, None))):
            self.assertEqual(tuple(attempt[name] for name in names), expected)
            self.assertEqual(attempt["first_at"], attempt["attempted_at"])
        self.assertLessEqual(start["attempted_at"], bad["attempted_at"])
        self.assertEqual((start["diagnostics"], good["diagnostics"]), ([], []))
        found, = bad["diagnostics"]
        self.assertTrue(found["file"].endswith("clerk.policy"))
        self.assertEqual((found["severity"], found["line"], found["column"]), ("error", 2, 11))
        # `status` says the same.
        self.assertEqual(daemon.call("status")["policy"]["attempts"], self.attempts(daemon))

    def test_attempts_that_ended_alike_are_one_with_a_count(self):
        daemon = self.unwatched(files(READS))
        for _ in range(40):
            self.refuse(daemon, BROKEN)
        bad, start = self.attempts(daemon)
        self.assertEqual((bad["times"], bad["ok"], start["trigger"]), (40, False, "start"))
        self.assertGreaterEqual(bad["attempted_at"], bad["first_at"])
        # Another mistake is another attempt.
        self.refuse(daemon, BROKEN.replace("reed", "raed"))
        self.assertEqual([one["times"] for one in self.attempts(daemon)], [1, 40, 1])

    def test_the_oldest_attempt_makes_room(self):
        daemon = self.unwatched(files(READS))
        for number in range(20):
            self.refuse(daemon, BROKEN.replace("reed", f"reed{number}"))
        attempts = self.attempts(daemon)
        self.assertEqual(len(attempts), 16)
        for attempt, number in zip(attempts, range(19, 3, -1)):
            self.assertIn(f"reed{number}'", attempt["diagnostics"][0]["message"])

    def test_the_diagnostics_of_an_attempt_are_bounded_in_number_and_in_bytes(self):
        daemon = self.unwatched(files(READS))
        daemon.write("more.policy", "".join(f"role more{n} {{\n    allow reed on api:/loans\n}}\n" for n in range(15)))
        self.refuse(daemon, "".join(f"role most{n} {{\n    allow reed on api:/loans\n}}\n" for n in range(15)))
        newest = self.attempts(daemon)[0]
        self.assertGreater(newest["errors"], 20)
        self.assertEqual(newest["diagnostics"], daemon.call("policy.status")["diagnostics"][:20])
        # A name may be long, and its diagnostic then is.
        for path in daemon.policy.glob("*.policy"):
            path.unlink()
        for number in range(30):
            folder = "/".join(["d" * 200] * 8)
            daemon.write(f"{folder}/{number}.policy", "role more {\n    allow reed on api:/loans\n}\n")
        self.refuse(daemon, READS)
        told = daemon.call("policy.status")
        kept = told["attempts"][0]["diagnostics"]
        self.assertTrue(0 < len(kept) < 20, len(kept))
        self.assertEqual(kept, told["diagnostics"][:len(kept)])

    def test_a_folder_that_was_broken_at_the_start_is_the_first_attempt(self):
        daemon = self.unwatched(files(READS))
        revision = daemon.call("policy.status")["revision"]
        daemon.stop()
        daemon.write("clerk.policy", BROKEN)
        daemon.start()
        only, = self.attempts(daemon)
        self.assertEqual((only["trigger"], only["ok"], only["revision"], only["errors"]), ("start", False, revision, 1))

    def unwatched(self, policy):
        """A daemon that reads its folder only when it is asked to."""
        daemon = self.daemon(policy, start=False)
        (daemon.folder / "authzd.conf").write_text("watch no\n")
        daemon.arguments += ["--config", str(daemon.folder / "authzd.conf")]
        daemon.start()
        return daemon


if __name__ == "__main__":
    unittest.main()
