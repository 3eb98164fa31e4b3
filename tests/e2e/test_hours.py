# SPDX-License-Identifier: Apache-2.0
"""Module hours on the machine's own time zones, against Python's reader of the same files."""

import datetime
import os
import random
import unittest
import zoneinfo

import harness

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")

# Both hemispheres, odd offsets, odd rules, changes across the date line.
ZONES = (
    "America/Denver", "Europe/Berlin", "Europe/Dublin", "Australia/Lord_Howe", "Australia/Sydney",
    "America/Sao_Paulo", "America/Santiago", "Pacific/Auckland", "Pacific/Chatham", "Pacific/Apia",
    "Asia/Kathmandu", "Asia/Kolkata", "Asia/Tehran", "Asia/Gaza", "Africa/Casablanca",
    "America/Nuuk", "America/St_Johns", "Antarctica/Troll", "Etc/GMT+12", "UTC",
)

# (days, from, to) in minutes; the last ones cross midnight.
RANGES = ((0b0011111, 7 * 60, 20 * 60), (0b1100000, 90, 150), (0b1111111, 120, 180),
          (0b0010000, 22 * 60, 6 * 60), (0b1000000, 23 * 60 + 30, 30))


def words(days, begin, end):
    """One value of `allow` a day."""
    clock = f"{begin // 60:02}:{begin % 60:02}-{end // 60:02}:{end % 60:02}"
    return ",".join(f"{DAYS[i]}/{clock}" for i in range(7) if days >> i & 1)


def is_in(ranges, zone, time):
    local = datetime.datetime.fromtimestamp(time, zone)
    minute = local.hour * 60 + local.minute
    today, yesterday = local.weekday(), (local.weekday() - 1) % 7
    for days, begin, end in ranges:
        if begin < end:
            if days >> today & 1 and begin <= minute < end:
                return True
        elif (days >> today & 1 and minute >= begin) or (days >> yesterday & 1 and minute < end):
            return True
    return False


def transitions(zone, first, last):
    """The moments at which the zone's offset changes, found by halving."""
    def offset(t):
        return datetime.datetime.fromtimestamp(t, zone).utcoffset()
    step, found = 14 * 86400, []
    for t in range(first, last, step):
        low, high = t, t + step
        if offset(low) == offset(high):
            continue
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (middle, high) if offset(middle) == offset(low) else (low, middle)
        found.append(high)
    return found


class Hours(harness.DaemonTest):
    def ask_many(self, client, service, times):
        answers = []
        for i in range(0, len(times), 1000):
            many = client.call("authorize_many", principal="p", service=service, method="GET",
                               path="/a", requests=[{"time": t} for t in times[i:i + 1000]])
            answers += many["results"]
        return answers

    def test_every_change_of_every_zone_is_where_another_reader_has_it(self):
        tree = "tree api { /a { GET } }\nrole r { allow GET on api:/a }\nprincipal p { role r }\n"
        here = [z for z in ZONES if os.path.exists(f"/usr/share/zoneinfo/{z}")]
        self.assertGreater(len(here), 10, "this machine has no time zones: install tzdata")
        stacks = "".join(
            f"stack z{i} {{\n authenticate required principal\n authorize required role\n"
            f" account required hours zone={name} allow={','.join(words(*r) for r in RANGES)}\n}}\n"
            for i, name in enumerate(here))
        c = self.daemon({"a.policy": tree + stacks}).client()
        draw = random.Random(7)
        year = 31556952
        for i, name in enumerate(here):
            zone = zoneinfo.ZoneInfo(name)
            # years in the file's table, its end, and years that only its footer covers
            changes = transitions(zone, 5 * 365 * 86400, 40 * year)[-30:]
            changes += transitions(zone, 50 * year, 56 * year)
            changes += transitions(zone, 67 * year, 70 * year) + transitions(
                zone, 230 * year, 233 * year)
            times = [t + d for t in changes for d in (
                -7201, -3601, -1801, -1, 0, 1, 1799, 1800, 3599, 3600, 7200, 10800)]
            times += [draw.randrange(2, 300 * year) for _ in range(200)]
            for time, answer in zip(times, self.ask_many(c, f"z{i}", times)):
                expected = is_in(RANGES, zone, time)
                self.assertEqual((answer["allow"], answer["reason"]),
                                 (expected, "ok" if expected else "hours"), (name, time))

    def test_the_time_is_the_daemons_or_stated_by_a_trusted_peer(self):
        now = datetime.datetime.now(datetime.timezone.utc)
        today, other = DAYS[now.weekday()], DAYS[(now.weekday() + 3) % 7]
        tomorrow = DAYS[(now.weekday() + 1) % 7]
        stack = ("stack {0} {{\n authenticate required key anonymous=allow\n"
                 " authorize required role\n account required hours allow={1}\n}}\n")
        d = self.daemon({"a.policy": "tree api { /a { GET } }\nrole anyone { allow GET on api:/a }\n"
                         + stack.format("now", f"{today}/00:00-24:00,{tomorrow}/00:00-24:00")
                         + stack.format("then", f"{other}/00:00-24:00")})
        self.assertTrue(d.call("authorize", service="now", method="GET", path="/a")["allow"])
        self.assertEqual(d.call("authorize", service="then", method="GET", path="/a")["reason"],
                         "hours")
        then = int(now.timestamp()) + 3 * 86400
        self.assertTrue(d.call("authorize", service="then", method="GET", path="/a",
                               time=then)["allow"])
        when = datetime.datetime.fromtimestamp(then, datetime.timezone.utc)
        done = d.tool("check", "--service", "then", "--time", when.strftime("%Y-%m-%dT%H:%M:%SZ"),
                      "GET", "/a")
        self.assertEqual(done.returncode, 0, done.stderr)
        done = d.tool("check", "--service", "now", "--time", when.strftime("%Y-%m-%dT%H:%M:%SZ"),
                      "GET", "/a")
        self.assertEqual((done.returncode, "hours" in done.stdout), (1, True), done.stdout)

    def test_the_tool_reads_the_same_zones_for_a_policys_own_tests(self):
        text = ("tree api { /a { GET } }\nrole r { allow GET on api:/a }\n"
                "stack other {\n authenticate required key\n authorize required role\n"
                " account required hours allow=mon-fri/07:00-20:00 zone=America/Denver\n}\n"
                "test \"hours\" {\n as role r\n deny GET api:/a because hours\n"
                " time 2026-03-06T14:00:00Z\n allow GET api:/a\n"
                " time 2026-03-09T13:00:00Z\n allow GET api:/a\n"
                " time 2026-03-09T12:59:59Z\n deny GET api:/a because hours\n}\n")
        d = self.daemon({"a.policy": text})
        done = harness.run_tool("policy", "test", d.policy)
        self.assertEqual((done.returncode, done.stdout), (0, "1 passed, 0 failed\n"), done.stderr)
        for zone, said in (("America/Dever", "this machine has no time zone 'America/Dever'"),
                           ("Europe", "this machine has no time zone 'Europe'"),
                           ("zone.tab", "is not a time zone's name"),
                           ("right/Europe/Berlin", "damaged, or counts leap seconds"),
                           ("tzdata", "this machine has no time zone")):
            if zone.startswith("right") and not os.path.exists("/usr/share/zoneinfo/right"):
                continue
            d.write("a.policy", text.replace("America/Denver", zone))
            done = harness.run_tool("policy", "check", d.policy)
            self.assertEqual(done.returncode, 1)
            self.assertIn(said, done.stderr)
            error = self.assert_error("invalid_policy", d.call, "policy.reload")
            self.assertIn(said, str(error.error["diagnostics"]))


if __name__ == "__main__":
    unittest.main()
