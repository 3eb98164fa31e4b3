# SPDX-License-Identifier: Apache-2.0
"""What every step of checks.py is made of: it counts what it proved, runs commands and shows what those
that failed printed, makes build folders, and runs the tests of one."""

import json
import os
import re
import shutil
import signal
import subprocess
import tempfile
import threading
from collections import defaultdict
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BUILD = ROOT / "build"
OTHERS = ROOT / "build-check"
CORES = len(os.sched_getaffinity(0))
# Many tests wait for a clock, a disk or an answer most of the time, and none goes by how fast it is.
TESTS_AT_ONCE = 2 * CORES
LINES_SHOWN = 200  # of a failing command's output: its end says why
LINES_REPEATED = 6  # of what a failed test said, at the end of the whole run
COMMAND_SECONDS = 3600  # after which a command hangs: the tests of a build on a busy machine take long

# Standard input is nobody's; messages are English; llvm-symbolizer names a report's functions.
ENVIRONMENT = {
    **os.environ,
    "LC_ALL": "C.UTF-8",
    "PATH": os.environ.get("PATH", "/usr/bin:/bin") + ":/usr/sbin:/sbin:/usr/lib/llvm-14/bin",
}
# Where tests make their folders: in memory where the machine has room for them, because a slow disk, which
# each of thousands of commits waits for, would take longer than all else. A test that kills the daemon
# loses nothing there either; what a power cut leaves is tested by recorded writes.
IN_MEMORY = Path("/dev/shm")
ROOM_IN_MEMORY = 4 << 30  # bytes; what tests have at one time, many times over
WITH_TESTS = "-Dauto_features=enabled"  # without it, meson.build has none
# What was compiled in any clone on this machine is not compiled again.
CCACHE = "ccache " if shutil.which("ccache") else ""
COMPILER_CACHE = {"CCACHE_BASEDIR": str(ROOT), "CCACHE_NOHASHDIR": "1"}
GCC = {"CC": f"{CCACHE}gcc"}
CLANG = {"CC": f"{CCACHE}clang-14"}


def folder_of_tests():
    """TMPDIR for tests, or nothing where the usual one has to do."""
    try:
        there = os.statvfs(IN_MEMORY)
    except OSError:
        return {}
    enough = there.f_bavail * there.f_frsize >= ROOM_IN_MEMORY
    usable = not there.f_flag & os.ST_NOEXEC and os.access(IN_MEMORY, os.W_OK)
    return {"TMPDIR": str(IN_MEMORY)} if enough and usable else {}


class Failed(Exception):
    """A step cannot go on; what it printed says why."""


class Step:
    """Counts what a step proved, and runs its commands."""

    def __init__(self, name):
        self.name = name
        self.passed = 0
        self.failed = 0
        self.skipped = 0
        self.seconds = 0
        self.cpu = 0  # seconds of a core, of its commands and all that they started and waited for
        self.built = 0  # those of them that went into building
        self.tests = []  # (seconds of a core, name) of the tests that say what they took
        self.failures = []  # what failed, with the last lines that it said
        self.lock = threading.Lock()

    def expect(self, good, what):
        if good:
            self.passed += 1
        else:
            self.fail(what)
            say(f"FAILED: {what}")

    def fail(self, what):
        self.failed += 1
        self.failures.append(what)

    def run(self, *command, env=None, check=True, cwd=ROOT, watch=None):
        """Runs a command, shows its output only when it failed, and gives that output. `watch` gets a
        descriptor of the process and its number, in a thread of its own."""
        with tempfile.TemporaryFile() as file:
            process = subprocess.Popen(
                [str(word) for word in command], cwd=cwd, env={**ENVIRONMENT, **(env or {})},
                stdin=subprocess.DEVNULL, stdout=file, stderr=subprocess.STDOUT,
            )
            # Popen's own methods would wait for the process, and lose what it used.
            process_fd = os.pidfd_open(process.pid)
            end = threading.Timer(COMMAND_SECONDS, signal.pidfd_send_signal, (process_fd, signal.SIGKILL))
            end.start()
            watcher = threading.Thread(target=watch or (lambda *_: None), args=(process_fd, process.pid))
            watcher.start()
            _, status, used = os.wait4(process.pid, 0)
            late = not end.is_alive()
            end.cancel()
            watcher.join()
            os.close(process_fd)
            process.returncode = os.waitstatus_to_exitcode(status)
            with self.lock:
                self.cpu += used.ru_utime + used.ru_stime
            file.seek(0)
            output = file.read().decode(errors="replace")
        status = "no end" if late else process.returncode
        if status != 0 and check:
            show(output)
            raise Failed(f"{' '.join(str(word) for word in command)}: exit {status}")
        return status, output


# What the step of this thread has printed; it is shown in one piece.
printed = threading.local()


def say(text=""):
    lines = getattr(printed, "lines", None)
    if lines is None:
        print(text, flush=True)
    else:
        lines.append(text)


def show(output):
    lines = output.rstrip().split("\n")
    if len(lines) > LINES_SHOWN:
        say(f"    … {len(lines) - LINES_SHOWN} lines before these")
    for line in lines[-LINES_SHOWN:]:
        say(f"    {line}")


def tracked(*patterns):
    """Our files that fit, relative: those of git and those not yet added to it."""
    command = ["git", "-c", "safe.directory=*", "ls-files", "--cached", "--others",
               "--exclude-standard", "--", *patterns]
    out = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    return sorted({name for name in out.stdout.split("\n") if name and (ROOT / name).is_file()})


# Building and testing

# Steps that share a build folder build in it one after the other.
in_folder = defaultdict(threading.RLock)


def configure(step, folder, *options, env):
    """A build folder with exactly these options; one of another compiler or option is replaced."""
    with in_folder[folder]:
        configure_alone(step, folder, *options, env=env)


def configure_alone(step, folder, *options, env):
    folder.parent.mkdir(exist_ok=True)
    command = ["meson", "setup", folder, "--werror", WITH_TESTS, *options]
    mark = folder / "tools-check"
    wanted = json.dumps([str(word) for word in command] + sorted(env.items()))
    if (folder / "build.ninja").exists():
        if folder == BUILD:
            step.run("meson", "configure", folder, "-Dwerror=true", WITH_TESTS, *options)
        if folder == BUILD or mark.exists() and mark.read_text() == wanted:
            step.run("ninja", "-C", folder, "build.ninja")  # what meson knows is as old as its last run
            return
    shutil.rmtree(folder, ignore_errors=True)
    step.run(*command, env=env)
    mark.write_text(wanted)


def build(step, folder, *options, env, targets=()):
    with in_folder[folder]:
        configure(step, folder, *options, env=env)
        before = step.cpu
        step.run("ninja", "-C", folder, *targets, env=COMPILER_CACHE)
        step.built += step.cpu - before


def count_tap(step, title, entry, output):
    """One meson test that speaks TAP: every line of it is a test, and no line at all is a failure."""
    good = len(re.findall(r"^ok\b(?!.*# *SKIP)", output, re.MULTILINE | re.IGNORECASE))
    bad = len(re.findall(r"^not ok\b", output, re.MULTILINE))
    skipped = len(re.findall(r"^ok\b.*# *SKIP", output, re.MULTILINE | re.IGNORECASE))
    step.passed += good
    step.skipped += skipped
    for failure in re.finditer(r"^not ok\b.*((?:\n(?:#|  ).*)*)", output, re.MULTILINE):
        first, *said = failure.group(0).split("\n")
        step.fail("\n".join((f"{title}: {first}", *said[-LINES_REPEATED:])))
    took = re.search(r"^# took ([\d.]+) s of a core$", output, re.MULTILINE)
    if took:
        step.tests.append((float(took.group(1)), title))
    if good + bad + skipped == 0:
        step.expect(False, f"{title}: ran no test")
    elif entry["result"] not in ("OK", "SKIP") and bad == 0:
        step.expect(False, f"{title}: {entry['result'].lower()} after {good} tests")


def run_tests(step, folder, *options, suites):
    """meson test, counted test by test. Every suite that is asked for must have run some."""
    for report in folder.glob("sanitizer-report*"):
        report.unlink()
    log = folder / "meson-logs" / "testlog.json"
    log.unlink(missing_ok=True)
    status, output = step.run(
        "meson", "test", "-C", folder, "--no-rebuild", "--print-errorlogs", "--num-processes", TESTS_AT_ONCE,
        "--timeout-multiplier", "4", *options, *(word for suite in suites for word in ("--suite", suite)), check=False,
        env=folder_of_tests(),
    )
    if status != 0:
        show(output)
    tests = json.loads((folder / "meson-info" / "intro-tests.json").read_text())
    known = {test["name"]: test for test in tests}
    seen = set()
    failed_before = step.failed
    for line in log.read_text().split("\n") if log.exists() else ():
        if not line:
            continue
        entry = json.loads(line)
        name = entry["name"].split(" / ")[-1]
        test = known.get(name, {"suite": [], "protocol": "tap"})
        seen.update(suite.split(":")[-1] for suite in test["suite"])
        if test["protocol"] == "tap":
            count_tap(step, name, entry, entry.get("stdout", ""))
        else:
            step.expect(entry["result"] == "OK", f"{name}: {entry['result'].lower()}")
    for suite in suites:
        if suite not in seen:
            step.expect(False, f"suite {suite} ran no test")
    if status != 0 and step.failed == failed_before:
        step.expect(False, f"meson test: exit {status}")


def suites_present():
    """The suites that the tree has tests for: a folder with test sources must run as its suite."""
    folders = {name.split("/")[1] for name in tracked("tests/*/test_*.c", "tests/*/test_*.py")}
    rooms = {"policy": "*.c", "client": "*.c", "daemon": "*.c", "fuzz": "*_fuzz.c"}
    folders.update(room for room, files in rooms.items() if tracked(f"tests/{room}/{files}"))
    if tracked("tests/attack/*.py"):
        folders.add("attack")
    if tracked("tests/conformance/run"):
        folders.add("conformance")
    if tracked("tests/node/run"):
        folders.add("node")
    return sorted(folders)


def expect_no_reports(step, folder):
    """A sanitizer's report in a file counts, whatever the test that left it said of itself."""
    reports = sorted(folder.glob("sanitizer-report*"))
    first = []
    for report in reports[:5]:
        text = report.read_text(errors="replace")
        say(f"{report.name}:")
        show(text)
        first.extend(re.findall(r"^.*(?:ERROR|WARNING): .*|^ *#\d+ .*", text, re.MULTILINE)[:LINES_REPEATED])
    step.expect(not reports, "\n".join((f"{len(reports)} sanitizer reports in {folder.name}", *first)))
