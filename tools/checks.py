#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The steps of tools/check, cheap ones first.

Every step runs even when an earlier one failed, so that one run shows every failure. Some steps mostly
compute and some mostly wait, so several run at a time and no core is idle; what a step printed is
shown when it ends. What a failing command printed is shown; a passing step shows only its count. Build
folders are kept for the next run: `build` (gcc, as everybody uses it) and build-check/ (the others).
The last line is `N passed, N failed`, and the exit status is 0 when nothing failed.
"""

import argparse
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from checks_step import (
    BUILD, CLANG, CORES, GCC, OTHERS, ROOT, Failed, Step, build,
    configure, count_tap, expect_no_reports, folder_of_tests, printed, run_tests, say, show, suites_present,
    tracked,
)
from checks_tidy import step_tidy

FUZZ_SECONDS = 30  # for each target, beside the other steps
FUZZ_CORE_SECONDS = 10  # that it has of a core at least, however busy the machine is
TESTS_NAMED = 12  # of a step, those that took most of a core
FAILURES_REPEATED = 10  # of a step, at the end of the run, where who looks for them finds them
STEPS_AT_ONCE = 4  # two that build and compute, and two whose tests wait


# The steps


def step_format(step):
    """clang-format changes nothing"""
    files = tracked("*.c", "*.h")
    status, output = step.run(
        "clang-format-14", "--dry-run", "-Werror", "--ferror-limit=3", *files, check=False
    )
    if status != 0:
        show(output)
    step.expect(status == 0, "format: clang-format-14 -i FILE mends it")


def step_rooms(step):
    """sources keep to their rooms, and lists fit the sources"""
    status, output = step.run(ROOT / "tools" / "check-rooms", check=False)
    if status != 0:
        show(output)
    count_tap(step, "check-rooms", {"result": "OK" if status == 0 else "FAIL"}, output)
    listed = (ROOT / "tests" / "e2e" / "meson.build").read_text()
    for name in tracked("tests/e2e/test_*.py"):
        word = Path(name).stem.removeprefix("test_")
        step.expect(f"'{word}'" in listed, f"{name} is not in tests/e2e/meson.build")
    status, output = step.run(ROOT / "tests" / "mutation" / "mutate.py", "--check", check=False)
    if status != 0:
        show(output)
    count_tap(step, "mutation", {"result": "OK" if status == 0 else "FAIL"}, output)


def step_order(step):
    """every swap that tests/cases/prove_order.py makes in the order of reasons can be made"""
    status, output = step.run(ROOT / "tests" / "cases" / "prove_order.py", "--check", check=False)
    if status != 0:
        show(output)
    count_tap(step, "prove_order", {"result": "OK" if status == 0 else "FAIL"}, output)


def step_words(step):
    """comments, messages and manuals are in plain words"""
    status, output = step.run(ROOT / "tools" / "check-words", check=False)
    if status != 0:
        show(output)
    count_tap(step, "check-words", {"result": "OK" if status == 0 else "FAIL"}, output)


def step_gcc(step):
    """gcc, warnings are errors, every test"""
    build(step, BUILD, env=GCC, targets=("all", "bench"))
    run_tests(step, BUILD, suites=suites_present())


# One build for the tests and for libFuzzer, which steers by the coverage that fuzzer-no-link counts. lld
# links a sanitizer's library into each program in a third of the time.
ASAN = ("-Db_sanitize=address,undefined", "-Db_lundef=false",
        "-Dc_args=-fsanitize=fuzzer-no-link -fno-sanitize-recover=all", "-Dc_link_args=-fuse-ld=lld-14")


# Suites about what no sanitizer sees: the text of sources, editors, real web servers, and clients in other
# languages, which conformance replays against the sanitized daemon.
OF_OTHERS = ("rooms", "servers", "clients", "node", "editors")


def step_asan(step):
    """clang, warnings are errors; its address, leak and undefined sanitizers, but servers' and clients' tests"""
    folder = OTHERS / "asan"
    build(step, folder, *ASAN, env=CLANG)
    run_tests(step, folder, suites=[suite for suite in suites_present() if suite not in OF_OTHERS])
    expect_no_reports(step, folder)


def programs(folder, *wanted):
    """The executables that a build folder knows, by the file they are defined in."""
    targets = json.loads((folder / "meson-info" / "intro-targets.json").read_text())
    return [
        target for target in targets
        if target["type"] == "executable"
        and str(Path(target["defined_in"]).parent.relative_to(ROOT)) in wanted
    ]


def installed(folder):
    """What a build folder makes to be installed."""
    targets = json.loads((folder / "meson-info" / "intro-targets.json").read_text())
    return [target for target in targets if target["installed"]]


def works_under_tsan(step):
    """A prefix under which a thread-sanitized program starts here: some kernels place memory where
    the sanitizer wants its shadow, unless address space randomization is off."""
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "empty.c"
        source.write_text("int main(void) { return 0; }\n")
        program = Path(folder) / "empty"
        step.run("clang-14", "-fsanitize=thread", source, "-o", program)
        for prefix in ((), ("setarch", "-R")):
            if step.run(*prefix, program, check=False)[0] == 0:
                return prefix
    raise Failed("no thread-sanitized program starts on this kernel")


def step_tsan(step):
    """the daemon under the thread sanitizer, in the end to end tests in which its threads meet"""
    folder = OTHERS / "tsan"
    options = ("-Db_sanitize=thread", "-Db_lundef=false")
    configure(step, folder, *options, env=CLANG)
    # The end to end tests also install what strangers build against.
    wanted = [
        os.path.relpath(target["filename"][0], folder)
        for target in [*programs(folder, "daemon", "tools", "tests/e2e"), *installed(folder)]
    ]
    if not wanted:
        say("nothing to run yet: no daemon")
        return
    build(step, folder, *options, env=CLANG, targets=wanted)
    prefix = works_under_tsan(step)
    wrapper = ("--wrapper", " ".join(prefix)) if prefix else ()
    run_tests(step, folder, *wrapper, suites=("threads",))
    expect_no_reports(step, folder)


def step_symbols(step):
    """libauthz exports what client/authz.map lists, and nothing else"""
    libraries = sorted((BUILD / "client").glob("libauthz.so.*[0-9]"))
    listing = ROOT / "client" / "authz.map"
    if not libraries and not listing.exists():
        say("nothing to look at yet: no libauthz")
        return
    if not libraries:
        step.expect(False, "libauthz is not built: run the step gcc first")
        return
    text = re.sub(r"#.*", "", listing.read_text())
    listed = set(re.findall(r"\b(authz_\w+)\s*;", text))
    _, output = step.run("nm", "-D", "--defined-only", "--format=posix", libraries[-1])
    names = (line.split() for line in output.split("\n") if line)
    exported = {words[0].split("@")[0] for words in names if words[1] != "A"}
    for name in sorted(listed | exported):
        where = "exported and not in authz.map" if name in exported else "in authz.map and not exported"
        step.expect(name in listed and name in exported, f"{name}: {where}")
    step.expect(bool(exported), "libauthz exports nothing")


def end_fuzzing(process_fd, number):
    """Asks libFuzzer to end when it has had its time, by the clock and of a core."""
    begun = time.monotonic()
    while True:
        time.sleep(0.2)
        try:
            fields = Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()
            core = (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
            if fields[0] == "Z":
                return
            if time.monotonic() - begun >= FUZZ_SECONDS and core >= FUZZ_CORE_SECONDS:
                signal.pidfd_send_signal(process_fd, signal.SIGUSR1)
                return
        except (OSError, IndexError):
            return  # it has ended


def fuzz_one(step, target):
    """One target from its seeds; what it found is left in its work folder."""
    program = Path(target["filename"][0])
    work = program.parent / f"{program.name}.work"
    shutil.rmtree(work, ignore_errors=True)
    (work / "found").mkdir(parents=True)
    seeds = [ROOT / "tests" / "fuzz" / "seeds" / program.name.removesuffix("_fuzz")]
    seeds = [folder for folder in seeds if folder.is_dir()]
    status, output = step.run(
        program, "-handle_usr1=1", "-timeout=10", "-rss_limit_mb=2048",
        "-print_final_stats=1", f"-artifact_prefix={work}/", work / "found", *seeds,
        check=False, watch=end_fuzzing,
        env={"ASAN_OPTIONS": "allocator_may_return_null=1", "UBSAN_OPTIONS": "print_stacktrace=1",
             **folder_of_tests()},
    )
    ran = re.search(r"stat::number_of_executed_units: *(\d+)", output)
    return program.name, status, output, int(ran.group(1)) if ran else 0, bool(seeds)


def step_fuzz(step):
    """every target of tests/fuzz for 30 seconds, 10 of a core at least, in the build of asan"""
    folder = OTHERS / "asan"
    configure(step, folder, *ASAN, env=CLANG)
    targets = programs(folder, "tests/fuzz")
    if not targets:
        sources = tracked("tests/fuzz/*_fuzz.c")
        if sources:
            step.expect(False, f"{len(sources)} fuzz sources and no target")
        else:
            say("nothing to run yet: no target")
        return
    build(step, folder, *ASAN, env=CLANG,
          targets=[os.path.relpath(target["filename"][0], folder) for target in targets])
    with ThreadPoolExecutor(CORES) as pool:
        runs = pool.map(lambda one: fuzz_one(step, one), targets)
        for name, status, output, ran, seeded in runs:
            if status != 0 or ran == 0:
                show(output)
            say(f"{name}: {ran} runs{'' if seeded else ', without seeds'}")
            step.expect(status == 0 and ran > 0, f"fuzz: {name}")


def step_install(step):
    """meson install leaves what users need, and it works from there"""
    expect_no_test_is_built(step)
    build(step, BUILD, env=GCC)
    with tempfile.TemporaryDirectory(prefix="authz-install-") as folder:
        step.run("meson", "install", "-C", BUILD, "--no-rebuild", "--quiet", env={"DESTDIR": folder})
        installed = [path for path in Path(folder).rglob("*") if path.is_file()]
        names = {path.name for path in installed}
        options = json.loads((BUILD / "meson-info" / "intro-buildoptions.json").read_text())
        prefix = Path(folder + next(one["value"] for one in options if one["name"] == "prefix"))
        if not installed:
            say("nothing to install yet")
            return
        if (ROOT / "daemon" / "main.c").exists():
            for name in ("authzd", "authzd.8"):
                step.expect(name in names or f"{name}.gz" in names, f"install: no {name}")
        if (ROOT / "tools" / "authzcheck.c").exists():
            for name in ("authzcheck", "authzcheck.1"):
                step.expect(name in names or f"{name}.gz" in names, f"install: no {name}")
        step.expect((prefix / "include/authz/module.h").is_file(), "install: no authz/module.h")
        step.expect("authz-module.pc" in names, "install: no authz-module.pc")
        if (ROOT / "client" / "authz.h").exists():
            for name in ("authz.h", "libauthz.so", "libauthz.a"):
                found = any(path.name == name for path in Path(folder).rglob("libauthz*")) or name in names
                step.expect(found, f"install: no {name}")
            step.expect((prefix / "share/bash-completion/completions/authzcheck").is_file(),
                        "install: no completion of bash in the prefix")
            step.expect((prefix / "share/zsh/site-functions/_authzcheck").is_file(),
                        "install: no completion of zsh in the prefix")
            step.expect((prefix / "share/fish/vendor_completions.d/authzcheck.fish").is_file(),
                        "install: no completion of fish in the prefix")
            for name in ("vim/vimfiles/syntax/authz-policy.vim", "emacs/site-lisp/authz-policy-mode.el"):
                step.expect((prefix / "share" / name).is_file(), f"install: no {name} in the prefix")
            for path in installed:
                step.expect(prefix in path.parents, f"install: {path} is outside the prefix")
            link_against_installed(step, Path(folder))


def expect_no_test_is_built(step):
    """`meson setup` without options makes a folder in which `ninja` and `meson install` build no test."""
    with tempfile.TemporaryDirectory(prefix="authz-plain-") as plain:
        step.run("meson", "setup", plain, env=GCC)
        information = Path(plain) / "meson-info"
        targets, tests = (json.loads((information / f"intro-{what}.json").read_text())
                          for what in ("targets", "tests"))
    for target in targets:
        where = Path(target["defined_in"]).parent.relative_to(ROOT)
        step.expect(where.parts[0] != "tests" or not target["build_by_default"],
                    f"install: {where}: {target['name']} is built though nobody asked for tests")
    step.expect(not tests, f"install: {len(tests)} tests though nobody asked for them")


def link_against_installed(step, folder):
    """A program of somebody else's, with nothing but pkg-config to guide it."""
    descriptions = list(folder.rglob("*.pc"))
    step.expect(len(descriptions) >= 1, "install: no pkg-config file")
    if not descriptions:
        return
    # Of nobody's packages but ours: who uses the library needs the C library and it.
    env = {"PKG_CONFIG_LIBDIR": ":".join({str(path.parent) for path in descriptions}),
           "PKG_CONFIG_SYSROOT_DIR": str(folder)}
    _, flags = step.run("pkg-config", "--cflags", "--libs", "authz", env=env)
    source = folder / "user.c"
    source.write_text("#include <authz.h>\n#include <stdio.h>\n"
                      "int main(void) { return puts(authz_strerror(0)) < 0; }\n")
    step.run("gcc", "-Wall", "-Werror", source, *flags.split(), "-o", folder / "user")
    # The archive holds no compiler's own form of objects: others, and another linker, take it.
    for number, linker in enumerate((("gcc",), ("clang-14",), ("clang-14", "-fuse-ld=lld"))):
        program = folder / f"static-{number}"
        static = [flag.replace("-lauthz", "-l:libauthz.a") for flag in flags.split()]
        status, output = step.run(*linker, "-Wall", "-Werror", source, *static, "-o", program, check=False)
        if status == 0:
            status, output = step.run(program, check=False)
        if status != 0:
            show(output)
        step.expect(status == 0, f"install: a program that {' '.join(linker)} links against libauthz.a")
    library = next(folder.rglob("libauthz.so"))
    status, output = step.run(folder / "user", env={"LD_LIBRARY_PATH": str(library.parent)}, check=False)
    if status != 0:
        show(output)
    step.expect(status == 0, "install: a program linked against libauthz does not run")


def step_package(step):
    """the Debian packages: built twice, equal bytes, lintian; installed, used, upgraded, removed and purged"""
    with tempfile.TemporaryDirectory(prefix="authz-packages-") as folder:
        status, output = step.run(ROOT / "tools" / "package", "--verify", folder, check=False)
        if status != 0:
            show(output)
        step.expect(status == 0, "package: tools/package --verify")
        if status == 0:
            status, output = step.run(ROOT / "tests" / "tap.py", ROOT / "tests" / "package" / "packages.py",
                                      env={"AUTHZ_PACKAGES": folder}, check=False)
            if status != 0:
                show(output)
            count_tap(step, "packages", {"result": "OK" if status == 0 else "FAIL"}, output)


STEPS = {
    "format": step_format, "rooms": step_rooms, "order": step_order, "words": step_words,
    # Those with tests that wait begin beside others that compute, so that neither is alone at the end.
    "asan": step_asan, "gcc": step_gcc, "package": step_package,
    "fuzz": step_fuzz, "tidy": step_tidy, "tsan": step_tsan, "symbols": step_symbols, "install": step_install,
}
AFTER = {"symbols": "gcc", "install": "gcc"}  # what a step looks at was made by another


def run_step(step):
    printed.lines = []
    say(f"\n== {step.name}: {STEPS[step.name].__doc__}")
    begun = time.monotonic()
    try:
        STEPS[step.name](step)
    except Failed as error:
        step.expect(False, str(error))
    except Exception as error:  # a mistake of ours must not end the run without its last line
        step.expect(False, f"{type(error).__name__}: {error}")
    step.seconds = time.monotonic() - begun
    say(f"{step.passed} passed, {step.failed} failed, {step.skipped} skipped in {step.seconds:.0f} s, "
        f"{step.cpu:.0f} s of a core, {step.built:.0f} of them to build")
    if step.tests:
        dearest = sorted(step.tests, reverse=True)[:TESTS_NAMED]
        say("of a core most, in s: " + ", ".join(f"{name} {took:.0f}" for took, name in dearest))
    print("\n".join(printed.lines), flush=True)
    printed.lines = None


def run_steps(names):
    """Runs the steps, begun in their order, several at a time."""
    steps = [Step(name) for name in names]
    ended = {name: threading.Event() for name in names}

    def one(step):
        try:
            if AFTER.get(step.name) in ended:
                ended[AFTER[step.name]].wait()
            run_step(step)
        finally:
            ended[step.name].set()

    with ThreadPoolExecutor(STEPS_AT_ONCE) as pool:
        list(pool.map(one, steps))
    return steps


def main():
    listing = "\n".join(f"  {name:8} {step.__doc__}" for name, step in STEPS.items())
    parser = argparse.ArgumentParser(
        prog="tools/check", description="Runs everything that has to hold before a change lands.",
        epilog=f"steps, in the order in which they begin:\n{listing}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("steps", nargs="*", metavar="STEP", help="only these; default: every step")
    options = parser.parse_args()
    unknown = [name for name in options.steps if name not in STEPS]
    if unknown:
        parser.error(f"no step {unknown[0]}; there are {', '.join(STEPS)}")

    begun = time.monotonic()
    done = run_steps([name for name in STEPS if not options.steps or name in options.steps])
    passed = sum(step.passed for step in done)
    failed = sum(step.failed for step in done)
    # `core` is seconds of a core: it says what to make cheaper, however busy the machine is.
    say(f"\n{'step':10}{'seconds':>8}{'core':>8}{'passed':>8}{'failed':>8}{'skipped':>9}")
    for step in done:
        say(f"{step.name:10}{step.seconds:8.0f}{step.cpu:8.0f}{step.passed:8}{step.failed:8}{step.skipped:9}")
    for step in done:
        for what in step.failures[:FAILURES_REPEATED]:
            say(f"{step.name}: {what}")
    total, cpu = time.monotonic() - begun, sum(step.cpu for step in done)
    say(f"{'all':10}{total:8.0f}{cpu:8.0f}{passed:8}{failed:8}{sum(step.skipped for step in done):9}\n")
    if passed == 0 and failed == 0:
        failed = 1
    say(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
