# SPDX-License-Identifier: Apache-2.0
"""A bare Debian in a folder, to install packages in, made of the files of this machine's own packages.

It has the essential packages, what the packages to install depend on, and nothing else. No network and
no mirror is needed, and it takes seconds. dpkg runs inside, with a database of its own.
"""

import os
import re
import shutil
import stat
import subprocess
from pathlib import Path

DPKG = Path("/var/lib/dpkg")
# Beside the essential ones: a bare Debian has them too.
ALSO = ("passwd", "init-system-helpers")
DEVICES = {"null": (1, 3), "zero": (1, 5), "full": (1, 7), "random": (1, 8), "urandom": (1, 9)}
SECONDS = 120


def stanzas(text):
    """Each paragraph of a control file: its fields, and the text itself."""
    for paragraph in re.split(r"\n\n+", text.strip()):
        fields = dict(re.findall(r"^([A-Za-z-]+):[ \t]*(.*(?:\n[ \t].*)*)", paragraph, re.MULTILINE))
        yield fields, paragraph


def alternatives(fields):
    """What a package depends on: lists of names, one of each list is enough."""
    wanted = ", ".join(fields[field] for field in ("Pre-Depends", "Depends") if field in fields)
    for group in filter(None, (part.strip() for part in wanted.split(","))):
        yield [re.match(r"[a-z0-9.+-]+", name.strip()).group() for name in group.split("|")]


class Machine:
    """The packages that are installed here."""

    def __init__(self):
        self.installed = {}
        self.providers = {}
        for fields, text in stanzas((DPKG / "status").read_text(encoding="utf-8")):
            if fields.get("Status") != "install ok installed":
                continue
            self.installed.setdefault(fields["Package"], (fields, text))
            for name in re.findall(r"[a-z0-9.+-]+(?= |,|$)", fields.get("Provides", "")):
                self.providers.setdefault(name, fields["Package"])

    def closure(self, wanted):
        found, queue = {}, list(wanted)
        while queue:
            group = queue.pop()
            names = [self.providers.get(name, name) if name not in self.installed else name
                     for name in group]
            if any(name in found for name in names):
                continue
            name = next((name for name in names if name in self.installed), None)
            if name is None:
                raise AssertionError(f"no package here is {' or '.join(group)}: run tools/setup")
            found[name] = self.installed[name]
            queue.extend(alternatives(found[name][0]))
        return found

    def essential(self):
        return [[name] for name, (fields, _) in self.installed.items() if fields.get("Essential") == "yes"]


class Chroot:
    def __init__(self, folder, debs, also=()):
        """`also`: packages that are put there too, if this machine has them."""
        self.root = Path(folder)
        machine = Machine()
        ours, wanted = set(), machine.essential() + [[name] for name in ALSO]
        for deb in debs:
            fields, _ = next(stanzas(subprocess.run(["dpkg-deb", "-f", deb], check=True, text=True,
                                                    capture_output=True).stdout))
            ours.add(fields["Package"])
            wanted.extend(alternatives(fields))
        wanted += [[name] for name in also if name in machine.installed]
        wanted = [group for group in wanted if not ours.intersection(group)]
        self.packages = machine.closure(wanted)
        self.copy_files()
        self.make_database()
        self.make_host()

    def copy_files(self):
        for name in ("bin", "sbin", "lib", "lib64"):
            (self.root / "usr" / name).mkdir(parents=True, exist_ok=True)
            (self.root / name).symlink_to(f"usr/{name}")
        paths = set()
        for name, (fields, _) in self.packages.items():
            for listing in self.information(name, fields):
                if listing.suffix == ".list":
                    paths.update(listing.read_text(encoding="utf-8").split("\n"))
        # Manuals and texts, which some machines lack anyway.
        paths = sorted(path for path in paths if path.startswith("/") and path != "/."
                       and not path.startswith(("/usr/share/doc/", "/usr/share/man/",
                                                "/usr/share/locale/")))
        packer = subprocess.Popen(
            ["tar", "-C", "/", "--no-recursion", "--ignore-failed-read", "--null", "-T", "-", "-cf", "-"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        unpacker = subprocess.Popen(["tar", "-C", self.root, "--keep-directory-symlink", "-xpf", "-"],
                                    stdin=packer.stdout)
        packer.stdin.write("\0".join(path.lstrip("/") for path in paths).encode())
        packer.stdin.close()
        packer.wait(SECONDS)
        if unpacker.wait(SECONDS) != 0:
            raise AssertionError("the files of the machine's packages cannot be copied")

    @staticmethod
    def information(name, fields):
        architecture = fields["Architecture"]
        yield from sorted((DPKG / "info").glob(f"{name}.*"))
        yield from sorted((DPKG / "info").glob(f"{name}:{architecture}.*"))

    def make_database(self):
        database = self.root / "var/lib/dpkg"
        for folder in ("info", "updates", "triggers", "alternatives"):
            (database / folder).mkdir(parents=True, exist_ok=True)
        (database / "status").write_text(
            "".join(f"{text}\n\n" for _, text in self.packages.values()), encoding="utf-8")
        (database / "available").touch()
        shutil.copy2(DPKG / "info/format", database / "info/format")
        for name, (fields, _) in self.packages.items():
            for path in self.information(name, fields):
                shutil.copy2(path, database / "info" / path.name)

    def make_host(self):
        for name in ("dev", "proc", "sys", "run", "tmp", "root", "etc", "var/log", "var/tmp"):
            (self.root / name).mkdir(parents=True, exist_ok=True)
        (self.root / "tmp").chmod(0o1777)
        for name, numbers in DEVICES.items():
            os.mknod(self.root / "dev" / name, stat.S_IFCHR | 0o666, os.makedev(*numbers))
            (self.root / "dev" / name).chmod(0o666)
        for name in ("passwd", "group"):
            shutil.copy(self.root / f"usr/share/base-passwd/{name}.master", self.root / "etc" / name)
        (self.root / "etc/hostname").write_text("bare\n", encoding="ascii")
        self.run("ldconfig", check=True)

    def add_user(self, name, number, *groups):
        """A user with a group of its own, who is also in these."""
        with open(self.root / "etc/passwd", "a", encoding="ascii") as file:
            file.write(f"{name}:x:{number}:{number}::/nonexistent:/bin/sh\n")
        path = self.root / "etc/group"
        lines = path.read_text(encoding="ascii").split("\n")
        lines = [line + ("" if line.endswith(":") else ",") + name if line.split(":")[0] in groups else line
                 for line in lines if line]
        path.write_text("\n".join([*lines, f"{name}:x:{number}:", ""]), encoding="ascii")

    def rows(self, name):
        return [line.split(":") for line in (self.root / "etc" / name).read_text(encoding="ascii").split("\n")
                if line]

    def identity(self, user):
        """What chroot(1) takes. In numbers: for names it would ask this machine, which may have the user too."""
        uid, gid = next((row[2], row[3]) for row in self.rows("passwd") if row[0] == user)
        groups = {gid, *(row[2] for row in self.rows("group") if user in row[3].split(","))}
        return f"--userspec={uid}:{gid}", f"--groups={','.join(sorted(groups))}"

    def command(self, *words, user="root"):
        """As whom and where, with all groups of the user; with /proc, which is gone at the end."""
        return ["unshare", "--mount", "sh", "-c", 'mount -t proc proc "$0/proc" && exec chroot "$@"',
                str(self.root), *self.identity(user), str(self.root), *(str(word) for word in words)]

    def run(self, *words, user="root", check=False):
        """(status, output)"""
        done = subprocess.run(
            self.command(*words, user=user), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True, errors="replace", check=False, timeout=SECONDS,
            env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C.UTF-8",
                 "DEBIAN_FRONTEND": "noninteractive"})
        if check and done.returncode != 0:
            raise AssertionError(f"{' '.join(map(str, words))}: exit {done.returncode}\n{done.stdout}")
        return done.returncode, done.stdout

    def path(self, name):
        return self.root / name.lstrip("/")

    def files(self):
        """All there is, without what dpkg keeps about packages that are gone."""
        found = set()
        for folder, names, files in os.walk(self.root):
            names[:] = [name for name in names if not os.path.ismount(os.path.join(folder, name))]
            found.update(os.path.relpath(os.path.join(folder, name), self.root) for name in names + files)
        return {name for name in found if not name.startswith(("var/lib/dpkg", "proc", "dev", "tmp"))}


def why_not():
    """Why no chroot can be made here, or None."""
    if os.geteuid() != 0:
        return "only root can make a chroot"
    done = subprocess.run(["unshare", "--mount", "sh", "-c", "mount -t proc proc /proc"], check=False,
                          capture_output=True, text=True)
    return None if done.returncode == 0 else f"no file system can be mounted here: {done.stderr.strip()}"
