# SPDX-License-Identifier: Apache-2.0
"""Modules as users build them: against the files that `meson install` installs, with pkg-config.

    strangers = modules.Strangers()     # once: installs into a folder of its own
    strangers.build("geo.c", folder / "geo.so")

The files test_modules*.py have class Modules, and import setUpModule and tearDownModule with it.
"""

import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

import harness
from harness import run_tool

SOURCES = harness.ROOT / "tests" / "modules"
BUILD = Path(harness.AUTHZD).resolve().parents[1]

POLICY = """\
tree api {
    /loans { list GET }
}

role reader {
    allow GET on api:/**
}

principal ann {
    role reader
}

stack loans {
    authenticate  sufficient  key
    authenticate  required    principal
%s
    authorize     required    role
}

stack other {
    authenticate  required    deny
    authorize     required    deny
}
"""
COUNTRIES = """\
# documentation networks, as if they were somewhere
192.0.2.0/24 CH
192.0.2.128/25 LI
198.51.100.0/24 US
2001:db8::/32 CH
2001:db8:1::/48 US
"""
GEO = "    account required geo allow=CH,LI data=countries"
DENYLIST = "    account required denylist data=denied"


class Strangers:
    def __init__(self):
        self.folder = Path(tempfile.mkdtemp(prefix="authz-installed-"))
        subprocess.run(
            ["meson", "install", "-C", str(BUILD), "--no-rebuild", "--quiet", "--tags", "devel",
             "--destdir", str(self.folder)],
            check=True, capture_output=True, timeout=harness.DEADLINE)
        description = next(self.folder.rglob("authz-module.pc"))
        self.env = {"PKG_CONFIG_LIBDIR": str(description.parent),
                    "PKG_CONFIG_SYSROOT_DIR": str(self.folder)}

    def finish(self):
        shutil.rmtree(self.folder, ignore_errors=True)

    def flags(self):
        done = subprocess.run(["pkg-config", "--cflags", "authz-module"], check=True, text=True,
                              capture_output=True, env={**os.environ, **self.env})
        return done.stdout.split()

    def compile(self, *arguments, compiler="cc", standard="c17"):
        done = subprocess.run(
            [compiler, f"-std={standard}", "-Wall", "-Wextra", "-Wpedantic", "-Werror", "-fPIC",
             "-shared", *self.flags(), *(str(word) for word in arguments)],
            capture_output=True, text=True, check=False, timeout=harness.DEADLINE)
        assert done.returncode == 0, done.stderr

    def build(self, source, target, **macros):
        """Makes target appear complete, by a rename, since a daemon may be watching."""
        aside = target.with_suffix(".new")
        defines = [f"-D{name}={value}" for name, value in macros.items()]
        self.compile(*defines, SOURCES / source, "-o", aside)
        aside.chmod(0o644)
        aside.rename(target)
        return target


def setUpModule():
    Modules.strangers = Strangers()
    Modules.built = Modules.strangers.folder / "built"
    Modules.built.mkdir()
    for name in ("geo", "denylist"):
        Modules.strangers.build(f"{name}.c", Modules.built / f"{name}.so")


def tearDownModule():
    Modules.strangers.finish()


class Modules(harness.DaemonTest):
    """A daemon with a folder of modules and their data; the modules are built once for a file."""

    def setUp(self):
        self.folder = Path(tempfile.mkdtemp(prefix="authz-modules-"))
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        self.folder.chmod(0o755)
        self.modules = self.folder / "modules"
        self.data = self.modules / "data"
        self.data.mkdir(parents=True)
        self.policy = self.folder / "policy"
        self.policy.mkdir()
        self.config = self.folder / "authzd.conf"
        self.config.write_text(f"modules {self.modules}\n")
        self.put("countries", COUNTRIES)
        self.put("denied", "")

    def install(self, *names):
        for name in names:
            aside = self.modules / f".{name}"
            shutil.copy(self.built / f"{name}.so", aside)
            aside.rename(self.modules / f"{name}.so")

    def put(self, name, text):
        """Changes a data file as it should be done: by a rename."""
        aside = self.data / f".{name}"
        aside.write_text(text)
        aside.rename(self.data / name)

    def serve(self, lines):
        return self.daemon({"p.policy": POLICY % lines}, "--config", str(self.config))

    def check(self, lines, *more):
        (self.policy / "p.policy").write_text(POLICY % lines)
        return run_tool("policy", "check", "--modules", self.modules, *more, self.policy)

    def refused(self, lines):
        """The errors for which a policy with these lines is refused, with LINE:COLUMN."""
        done = self.check(lines)
        self.assertEqual(done.returncode, 1, done.stderr)
        return re.findall(r"p\.policy:(\d+:\d+): error: (.*)", done.stderr)

    def ask(self, daemon, ip="192.0.2.1", **more):
        return daemon.call("authorize", service="loans", method="GET", path="/loans", ip=ip,
                           **(more or {"principal": "ann"}))

    def used(self, daemon):
        return [(module["name"], module["version"]) for module in daemon.call("status")["modules"]]

    def allows(self, daemon, ip="192.0.2.1"):
        return self.ask(daemon, ip)["allow"]

    def allowed_key(self, daemon, token):
        return self.ask(daemon, token=token)["allow"]
