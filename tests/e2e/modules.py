# SPDX-License-Identifier: Apache-2.0
"""Modules as users build them: against the files that `meson install` installs, with pkg-config.

    strangers = modules.Strangers()     # once: installs into a folder of its own
    strangers.build("geo.c", folder / "geo.so")
"""

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import harness

SOURCES = harness.ROOT / "tests" / "modules"
BUILD = Path(harness.AUTHZD).resolve().parents[1]


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
