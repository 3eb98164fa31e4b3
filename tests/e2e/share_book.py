# SPDX-License-Identifier: Apache-2.0
"""What changes were asked of hosts that share a store, what they answered, and what must therefore be there.

A Book knows each record that writers have made. A record is changed by one writer at a time, so what it must be
follows from the answers; while an answer is missing the record is `open`, and nobody changes it. Any writer may
revoke any key, after which nothing else about it counts.
"""

import collections
import threading
import time


def boot_time():
    return time.clock_gettime_ns(time.CLOCK_BOOTTIME)


class Change:
    """One request and its outcome: made, refused, not_made, may_stand."""

    number = 0

    def __init__(self, host, method, params):
        self.host, self.method, self.params = host, method, params
        self.outcome = self.result = self.error = None
        self.sent = self.answered = None

    def __repr__(self):
        return f"{self.method} {self.params} at {self.host}: {self.outcome} {self.error or ''}"

    @property
    def place(self):
        """The number of the log's row by which it stands."""
        as_of = (self.result or {}).get("as_of")
        return int(as_of.split("-")[0]) if as_of else None


class Key:
    def __init__(self, name, owner):
        self.name, self.owner = name, owner
        self.id = self.secret = None
        self.label = None
        self.status = "active"
        self.generation = 1
        self.is_open = False
        # CLOCK_BOOTTIME from which on no host may allow it; from which on this host may not
        self.denied = None
        self.denied_at = {}


class Book:
    def __init__(self):
        self.lock = threading.RLock()
        self.keys = {}  # by name
        self.principals = {}  # id: is it open
        self.roles = {}  # name: description
        self.places = {}  # of assignments: (principal, place)
        self.open = []  # changes that may stand, with what settles them
        self.counts = collections.Counter()
        self.effects = collections.Counter()  # (action, target): how often it was made
        self.unsure = collections.Counter()  # of those that may find their state already so
        self.answers = []  # (sent, answered, place) of this round
        self.wrong = []
        self.next_number = 0
        self.watched = collections.deque(maxlen=60)  # keys that deciders ask about

    def number(self):
        with self.lock:
            self.next_number += 1
            return self.next_number

    def accuse(self, text):
        with self.lock:
            self.wrong.append(text)

    def note(self, change):
        with self.lock:
            self.counts[change.outcome] += 1
            if change.outcome == "made" and change.place is not None:
                self.answers.append((change.sent, change.answered, change.place))
            elif change.outcome == "made":
                self.wrong.append(f"an answer without as_of: {change}")

    def judge_order(self):
        """A change that was answered before another was asked for stands before it."""
        with self.lock:
            answers, self.answers = self.answers, []
        by_answer = sorted(answers, key=lambda one: one[1])
        newest, at = 0, 0
        for sent, _, place in sorted(answers):
            while at < len(by_answer) and by_answer[at][1] < sent:
                newest = max(newest, by_answer[at][2])
                at += 1
            if place < newest:
                self.accuse(f"a change at {place} was asked for when {newest} was answered")

    def expected_keys(self):
        """{id: (name, status, label, generation)}"""
        with self.lock:
            return {key.id: (key.name, key.status, key.label, key.generation)
                    for key in self.keys.values() if key.id is not None and key.status != "purged"}
