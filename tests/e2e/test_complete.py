# SPDX-License-Identifier: Apache-2.0
"""What may follow on authzcheck's command line: as the tool says it, and in bash, zsh and fish."""

import contextlib
import os
import pty
import shutil
import subprocess
import time
import unittest
from pathlib import Path

import harness
import people

TOOLS = harness.ROOT / "tools"

# The lines that leave it to the shell, without what describes a word.
FILES, DIRS = ["\tfiles"], ["\tdirs"]


class Completing(harness.DaemonTest):
    @classmethod
    def setUpClass(cls):
        cls.served = harness.Daemon({"a.policy": people.POLICY})
        cls.addClassCleanup(cls.served.finish)
        (cls.served.folder / "policies").mkdir()
        (cls.served.folder / "polite").write_text("x")
        call = cls.served.call
        call("principals.create", id="alice", name="Alice Baker")
        call("principals.create", id="bob", kind="service")
        call("tenants.create", id="acme")
        call("principals.create", id="abe", tenant="acme")
        # Ids that a completion could take for its own words.
        call("tenants.create", id="odd")
        for name in (":files", ":dirs", "files", "poli"):
            call("principals.create", id=name, tenant="odd")
        cls.key = call("keys.create", principal="alice", name="laptop")["id"]
        cls.gone = call("keys.create", principal="alice")["id"]
        call("keys.delete", id=cls.gone)

    def environment(self):
        return {**harness.environment(self.served.folder), "AUTHZ_SOCKET": str(self.served.socket),
                "PATH": f"{Path(harness.AUTHZCHECK).parent}:{os.environ['PATH']}", "TERM": "dumb"}

    def lines(self, *words, env=None, cwd=None):
        done = subprocess.run([harness.AUTHZCHECK, "__complete", *words], capture_output=True,
                              text=True, env={**self.environment(), **(env or {})}, check=False,
                              cwd=cwd, timeout=harness.DEADLINE)
        self.assertEqual((done.returncode, done.stderr), (0, ""), words)
        return done.stdout.splitlines()

    @staticmethod
    def git(folder, *words):
        subprocess.run(["git", "-c", "user.name=a", "-c", "user.email=a@example.org", *words], cwd=folder,
                       env={**os.environ, "HOME": str(folder), "GIT_CONFIG_NOSYSTEM": "1"}, check=True,
                       capture_output=True)

    @classmethod
    def begin_repository(cls, folder):
        cls.git(folder, "init", "-q", "-b", "main")
        cls.git(folder, "commit", "-q", "--allow-empty", "-m", "one")

    def offered(self, *words, **options):
        """The words alone, and the lines for files and folders."""
        return [line if line.startswith("\t") else line.split("\t")[0]
                for line in self.lines(*words, **options)]


class Tool(Completing):
    def test_each_word_is_completed_by_what_it_is(self):
        cases = [
            (["pr"], ["principal"]),
            (["key", "rev"], ["revoke"]),
            (["help", "key", "rev"], ["revoke"]),
            (["--socket", "/s", "--json", "key", "pa"], ["pattern"]),
            (["key", "create", "--exp"], ["--expires-in", "--expires-at"]),
            (["key", "list", "--columns", "key,l"], ["key,label", "key,last-used"]),
            (["key", "list", "--columns", "key,label,la"], ["key,label,last-used"]),
            (["key", "list", "--columns=key,k"], []),
            (["key", "list", "--status=re"], ["--status=revoked"]),
            (["key", "pattern", "--format", ""], ["text", "gitleaks"]),
            (["policy", "check", "--format", ""], ["text", "github", "json"]),
            (["policy", "lint", "--format", ""], ["text", "github", "json"]),
            (["policy", "lint", "--explain", "rule-"], ["rule-covered", "rule-inherited"]),
            (["policy", "lint", "--explain=no-t"], ["--explain=no-tests"]),
            (["check", "--explain", "P"], ["POST", "PUT", "PATCH"]),
            (["check", "P"], ["POST", "PUT", "PATCH"]),
            (["http-check", "unix:/s", "D"], ["DELETE"]),
            (["http-check", "--family", ""], ["nginx", "forwarded", "envoy"]),
            (["key", "show", ""], [self.key]),
            (["key", "show", "--json", self.key[:6]], [self.key]),
            (["key", "restore", ""], [self.gone]),
            (["log", "--key", ""], [self.key]),
            (["key", "create", "--principal", "a"], ["alice"]),
            (["key", "create", "--tenant", "acme", "--principal", "a"], ["abe"]),
            (["key", "create", "--role", "viewer,c"], ["viewer,clerk"]),
            (["key", "create", "--scope", "loans:"], ["loans:read", "loans:write"]),
            (["key", "create", "--scope=loans:read,loans:w"],
             ["--scope=loans:read,loans:write"]),
            (["check", "--environment", "t"], ["test"]),
            (["principal", "show", "b"], ["bob", "billing"]),
            (["principal", "create", ""], []),
            (["assign", "al"], ["alice"]),
            (["assign", "alice", "cl"], ["clerk"]),
            (["assign", "alice", "clerk", ""], []),
            (["role", "show", "vi"], ["viewer"]),
            (["role", "create", "vi"], []),
            (["tenant", "disable", ""], ["default", "acme", "odd"]),
            (["key", "list", "--tenant", "a"], ["acme"]),
            (["store", "verify", ""], []),
            (["store", "verify", "--state", ""], DIRS),
            (["store", "verify", "--config", ""], FILES),
            (["store", "backup", ""], FILES),
            (["store", "backup", "f", ""], []),
            (["key", "import", ""], FILES),
            (["policy", "check", ""], DIRS),
            (["policy", "import-openapi", ""], FILES),
            (["policy", "import-openapi", "--against", ""], FILES),
            (["policy", "import-openapi", "--b"], ["--base"]),
            (["policy", "import-routes", ""], FILES),
            (["policy", "init", ""], DIRS),
            (["policy", "init", "--openapi", ""], FILES),
            (["policy", "init", "--ba"], ["--base"]),
            (["review", "--output", ""], FILES),
            (["policy", "try", ""], DIRS),
            (["key", "create", "--name", ""], []),
            (["status", ""], []),
            (["--server-user", "roo"], ["root"]),
            (["nonsense", ""], []),
            (["--tenant", ""], []),
            (["key", "list", "--", "--st"], []),
        ]
        for words, expected in cases:
            self.assertEqual(self.offered(*words), expected, words)
        self.assertIn(f"{self.key}\tlaptop, alice, active", self.lines("key", "show", ""))
        self.assertIn("alice\tAlice Baker, user, active", self.lines("assign", "al"))

    def test_without_a_daemon_there_are_no_names_and_no_noise(self):
        env = {"AUTHZ_SOCKET": "/nonexistent/socket"}
        for words in (["key", "show", ""], ["key", "create", "--scope", ""]):
            self.assertEqual(self.offered(*words, env=env), [])
        self.assertEqual(self.offered("key", "rev", env=env), ["revoke"])

    def test_an_id_is_never_taken_for_files(self):
        self.assertEqual(sorted(self.offered("principal", "show", "--tenant", "odd", "")),
                         [":dirs", ":files", "files", "poli"])

    def test_names_of_the_policy_are_for_peers_that_manage_it(self):
        names = self.served.call("policy.names")
        # Those of the daemon's own tree are among them.
        self.assertLessEqual({"GET", "PUT", "list", "update", "rotate"},
                             set(names.pop("actions")))
        self.assertEqual(names, {"scopes": ["loans:read", "loans:write"],
                                 "environments": ["live", "test"], "trees": ["api", "authz"], "facts": [], "fact_types": []})


class Folder(Completing):
    """What commands of a policy folder complete: from the folder, whatever the daemon knows."""

    POLICY = """\
tree shop "The shop" { /carts { GET } }
role buyer "Buys" { allow GET on shop:/carts }
role broken { allow GTE on shop:/carts }
scope carts:read { allow GET on shop:/carts }
principal till "The till" { role buyer }
"""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.top = cls.served.folder / "top"
        (cls.top / "policy").mkdir(parents=True)
        (cls.top / "policy" / "a.policy").write_text(cls.POLICY)

    def test_names_are_those_of_the_folder_that_the_line_names(self):
        folder = str(self.top / "policy")
        for words, expected in (
                (["show", folder, "--role", ""], ["buyer", "broken"]),
                (["show", folder, "--scope=c"], ["--scope=carts:read"]),
                (["can", folder, "--role", "buyer,b"], ["buyer,broken"]),
                (["can", folder, "--principal", ""], ["till"]),
                (["can", folder, "--scope", ""], ["carts:read"]),
                (["who", folder, "--tree", ""], ["shop", "authz"]),
                (["show", "/nonexistent", "--role", ""], [])):
            self.assertEqual(self.offered("policy", *words), expected, words)
        self.assertEqual(self.lines("policy", "show", folder, "--role", "bu"), ["buyer\tBuys"])

    def test_before_the_line_names_one_it_is_the_one_here(self):
        for cwd, expected in ((self.top, ["buyer"]), (self.top / "policy", ["buyer"]), (self.served.folder, [])):
            # The daemon's own folder `policy` is beside `top`, and has no buyer.
            self.assertEqual(self.offered("policy", "show", "--role", "bu", cwd=cwd), expected, cwd)

    @unittest.skipUnless(shutil.which("git"), "git is not installed")
    def test_revisions_of_git_are_offered_beside_folders(self):
        diff = ("policy", "diff")
        self.assertEqual(self.offered(*diff, "", cwd=self.top), DIRS)
        self.begin_repository(self.top)
        for words in (("tag", "v1"), ("branch", "fix/one"), ("update-ref", "refs/remotes/origin/main", "HEAD")):
            self.git(self.top, *words)
        offered = DIRS + ["HEAD", "fix/one", "main", "origin/main", "v1"]
        self.assertEqual(self.offered(*diff, "", cwd=self.top), offered)
        self.assertEqual(self.offered(*diff, "main", "", cwd=self.top / "policy"), offered)
        self.assertEqual(self.lines(*diff, "v", cwd=self.top), DIRS + ["v1\ttag"])
        self.assertEqual(self.offered("policy", "check", "", cwd=self.top), DIRS)


@unittest.skipUnless(shutil.which("fish"), "no fish here")
class Fish(Completing):
    def complete(self, line):
        script = f"source {TOOLS / 'authzcheck.fish'}; complete -C $argv[1]"
        done = subprocess.run(["fish", "--no-config", "-c", script, line], capture_output=True,
                              text=True, env=self.environment(), cwd=self.served.folder,
                              check=False, timeout=harness.DEADLINE)
        self.assertEqual(done.stderr, "", line)
        return [line.split("\t")[0] for line in done.stdout.splitlines()]

    def test_fish_completes(self):
        self.begin_repository(self.served.folder)
        for line, expected in (
                ("authzcheck key rev", ["revoke"]),
                ("authzcheck key show ", [self.key]),
                ("authzcheck key create --scope=loans:r", ["--scope=loans:read"]),
                ("authzcheck policy check polici", ["policies/"]),
                ("authzcheck policy diff ma", ["main"]),
                ("authzcheck policy diff main polici", ["policies/"]),
                ("authzcheck store backup poli", ["policies/", "policy/", "polite"]),
                ("authzcheck --config=polit", ["--config=polite"]),
                ("authzcheck principal show --tenant odd :f", [":files"]),
                ("authzcheck store verify ", []),
                ("./authzcheck key rev", ["revoke"])):
            self.assertEqual(self.complete(line), expected, line)


class Interactive(Completing):
    """Types a command line with a tab in it into a shell on a terminal, and looks at what it became."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.begin_repository(cls.served.folder)
        cls.git(cls.served.folder, "branch", "odd$(id)")
        cls.programs = cls.served.folder / "programs"
        cls.programs.mkdir()
        # What is typed has not yet the words IS<, which the terminal shows when it runs.
        tool = cls.programs / "authzcheck"
        tool.write_text(f'#!/bin/sh\n[ "$1" = __complete ] && exec {harness.AUTHZCHECK} "$@"\n'
                        'echo "IS<$*>IS"\n')
        tool.chmod(0o755)
        # What a stranger may have left in a folder.
        cls.ran = cls.served.folder / "ran"
        trap = cls.served.folder / "authzcheck"
        trap.write_text(f'#!/bin/sh\n[ "$1" = __complete ] && : >{cls.ran}\necho "IS<$*>IS"\n')
        trap.chmod(0o755)

    def environment(self):
        env = super().environment()
        return {**env, "PATH": f"{self.programs}:{env['PATH']}"}

    def typed(self, command, prepare, line):
        """The arguments that `authzcheck` is run with after the line."""
        parent, child = pty.openpty()
        env = {**self.environment(), "PS1": "READY>", "PROMPT": "READY>", "INPUTRC": "/dev/null"}
        with subprocess.Popen(command, stdin=child, stdout=child, stderr=child, env=env,
                              cwd=self.served.folder, start_new_session=True) as shell:
            self.addCleanup(shell.kill)
            os.close(child)
            try:
                self.read_until(parent, b"READY>")
                os.write(parent, (prepare + "; PS1='DONE''>'\n").encode())
                self.read_until(parent, b"DONE>")
                os.write(parent, line.encode())
                seen = self.read_until(parent, b"IS<", b">IS")
            finally:
                shell.kill()
                os.close(parent)
        return seen.split(b"IS<")[-1].split(b">IS")[0].decode()

    def read_until(self, terminal, *wanted):
        text = b""
        end = time.monotonic() + harness.DEADLINE
        while not all(part in text for part in wanted):
            self.assertLess(time.monotonic(), end, text)
            with contextlib.suppress(OSError):
                data = os.read(terminal, 65536)
                self.assertTrue(data, text)
                text += data
        return text

    CASES = [
        ("key rev\t", "key revoke"),
        ("key show \t", "key show KEY"),
        ("key create --principal ali\t", "key create --principal alice"),
        ("key create --role viewer,cle\t", "key create --role viewer,clerk"),
        ("key create --scope loans:r\t", "key create --scope loans:read"),
        ("key create --scope=loans:r\t", "key create --scope=loans:read"),
        ("policy check polici\t", "policy check policies/"),
        ("policy diff mai\t", "policy diff main"),
        ("policy diff main polici\t", "policy diff main policies/"),
        ("policy diff od\t", "policy diff odd$(id)"),
        ("store backup polit\t", "store backup polite"),
        ("store verify poli\t", "store verify poli"),
        ("principal show --tenant odd :f\t", "principal show --tenant odd :files"),
    ]

    def each(self, command, prepare):
        for line, expected in self.CASES:
            got = self.typed(command, prepare, f"authzcheck {line}\n")
            # zsh takes the last slash away again when the line is run.
            self.assertEqual(got.strip().rstrip("/"),
                             expected.replace("KEY", self.key).rstrip("/"), line)
        self.assertEqual(self.typed(command, prepare, "./authzcheck key rev\t\n").strip(),
                         "key revoke")
        self.assertFalse(self.ran.exists(), "a tab has run a file of this folder")

    @unittest.skipUnless(shutil.which("bash"), "no bash here")
    def test_bash_completes(self):
        self.each(["bash", "--norc", "--noprofile", "-i"],
                  f"source {TOOLS / 'authzcheck.bash'}")

    @unittest.skipUnless(shutil.which("zsh"), "no zsh here")
    def test_zsh_completes(self):
        folder = self.served.folder / "functions"
        folder.mkdir(exist_ok=True)
        shutil.copy(TOOLS / "authzcheck.zsh", folder / "_authzcheck")
        self.each(["zsh", "-f", "-i"],
                  f"fpath=({folder} $fpath); autoload -Uz compinit; compinit -u -D; "
                  "unsetopt beep list_beep")


if __name__ == "__main__":
    unittest.main()
