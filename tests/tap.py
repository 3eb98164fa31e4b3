#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Runs the unittest files that it is given and prints TAP, so that meson counts every test.

    tests/tap.py FILE… [-k WORD]

At its end it says how many seconds of a core the tests and the processes took that they waited for.
A test's name is the first line of its docstring, else its own name as words. -k runs only the
tests whose names contain WORD. A file without a test fails.
"""

import importlib.util
import resource
import sys
import traceback
import unittest
from pathlib import Path


def load(path):
    path = Path(path).resolve()
    sys.path.insert(0, str(path.parent))
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[path.stem] = module
    spec.loader.exec_module(module)
    return unittest.defaultTestLoader.loadTestsFromModule(module)


def name_of(test):
    said = test.shortDescription()
    if said is None:
        said = test.id().split(".")[-1].removeprefix("test_").replace("_", " ")
    return said.replace("#", "").strip()


class TapResult(unittest.TestResult):
    def __init__(self):
        super().__init__()
        self.number = 0
        self.failed_subtests = {}

    def say(self, test, good, note="", details=""):
        self.number += 1
        print(f"{'ok' if good else 'not ok'} {self.number} - {name_of(test)}{note}")
        for line in details.rstrip().split("\n") if details else ():
            print(f"# {line}")
            print(line, file=sys.stderr)
        sys.stdout.flush()

    @staticmethod
    def details(error):
        return "".join(traceback.format_exception(*error))

    def addSuccess(self, test):
        super().addSuccess(test)
        self.say(test, True)

    def addFailure(self, test, err):
        super().addFailure(test, err)
        self.say(test, False, details=self.details(err))

    def addError(self, test, err):
        super().addError(test, err)
        self.say(test, False, details=self.details(err))

    def addSkip(self, test, reason):
        super().addSkip(test, reason)
        self.say(test, True, f" # SKIP {reason}")

    def addSubTest(self, test, subtest, err):
        super().addSubTest(test, subtest, err)
        if err is not None:
            self.say(subtest, False, details=self.details(err))

    def addExpectedFailure(self, test, err):
        super().addExpectedFailure(test, err)
        self.say(test, False, details="an expected failure is no test: fix it or remove it")

    def addUnexpectedSuccess(self, test):
        super().addUnexpectedSuccess(test)
        self.say(test, False, details="passed, and was expected to fail")


def all_tests(suite):
    for item in suite:
        if isinstance(item, unittest.TestSuite):
            yield from all_tests(item)
        else:
            yield item


def main(arguments):
    word = None
    if "-k" in arguments:
        at = arguments.index("-k")
        word = arguments[at + 1]
        arguments = arguments[:at] + arguments[at + 2:]
    if not arguments:
        print(__doc__, file=sys.stderr)
        return 2

    suite = unittest.TestSuite(load(path) for path in arguments)
    if word is not None:
        suite = unittest.TestSuite(test for test in all_tests(suite) if word in test.id())
    result = TapResult()
    suite.run(result)
    used = [resource.getrusage(whose) for whose in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    print(f"# took {sum(one.ru_utime + one.ru_stime for one in used):.1f} s of a core")
    print(f"1..{result.number}")
    if result.number == 0:
        print("# no test ran", file=sys.stderr)
        return 1
    return 0 if result.wasSuccessful() and not result.unexpectedSuccesses else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
