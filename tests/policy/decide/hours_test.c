/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "policy/ask/suite.h"
#include "policy/decide/eval.h"
#include "policy/text/diag.h"
#include "policy/text/host.h"
#include "policy/text/timetext.h"

/* A machine whose zones are their footers alone. */
static const struct {
	const char *name;
	const char *rule;
} zones[] = {
	{ "America/Denver", "MST7MDT,M3.2.0,M11.1.0" },
	{ "Australia/Lord_Howe", "<+1030>-10:30<+11>-11,M10.1.0,M4.1.0" },
	{ "Broken", "no rule" },
};

struct machine {
	char bytes[512];
};

static enum pol_status on_zone(void *context, struct pol_str name, struct pol_str *out)
{
	/* A header and a type twice, no transition. */
	static const char head[51] = { 'T', 'Z', 'i', 'f', '2', [39] = 1, [43] = 1 };
	struct machine *machine = context;
	size_t len = 0;

	for (size_t i = 0; i < sizeof zones / sizeof *zones; i++) {
		if (!pol_str_equal(name, pol_str_of(zones[i].name))) {
			continue;
		}
		memcpy(machine->bytes, head, sizeof head);
		memcpy(machine->bytes + sizeof head, head, sizeof head);
		len = 2 * sizeof head;
		len += (size_t)snprintf(
			machine->bytes + len, sizeof machine->bytes - len, "\n%s\n", zones[i].rule);
		*out = (struct pol_str){ machine->bytes, len };
		return POL_OK;
	}
	return pol_str_equal(name, POL_STR("Unreadable")) ? POL_EINVALID : POL_ENOTFOUND;
}

/* The snapshot of a stack with this account line; and what was said, or nothing. */
static struct pol_snapshot *compile(
	const char *arguments, const char *rest, bool has_host, char said[static 256])
{
	struct machine machine;
	struct pol_host host = { .context = &machine, .zone = on_zone };
	struct pol_snapshot *snapshot = NULL;
	struct pol_diags diags;
	char text[2048];
	struct pol_source source = { POL_STR("a.policy"), { text, 0 } };

	source.text.len = (size_t)snprintf(text, sizeof text,
		"tree api { /a { GET } }\nrole r { allow GET on api:/a }\n"
		"stack other { authenticate required key\nauthorize required role\n"
		"account required hours %s\n}\n%s",
		arguments, rest);
	pol_diags_init(&diags, &source, 1);
	(void)pol_compile(&source, 1, has_host ? &host : NULL, &diags, &snapshot);
	if (snapshot != NULL) {
		cr_expect_eq(pol_suite_run(snapshot, &diags, NULL, NULL).failed, 0);
	}
	said[0] = '\0';
	if (diags.first != NULL) {
		snprintf(said, 256, "%u:%u %.*s", diags.first->line, diags.first->column,
			POL_STR_ARGS(diags.first->message));
	}
	pol_diags_finish(&diags);
	return snapshot;
}

/* Two moments each: one that is in, one that is out. 2026-03-02 was a Monday. */
static const struct {
	const char *arguments;
	const char *in, *out;
} rows[] = {
	{ "allow=mon/07:00-20:00", "2026-03-02T07:00:00Z", "2026-03-02T06:59:59Z" },
	{ "allow=mon/07:00-20:00", "2026-03-02T19:59:59Z", "2026-03-02T20:00:00Z" },
	{ "allow=mon/07:00-20:00 zone=UTC", "2026-03-02T07:00:00Z", "2026-03-03T07:00:00Z" },
	{ "allow=mon-fri/07:00-20:00", "2026-03-06T12:00:00Z", "2026-03-07T12:00:00Z" },
	{ "allow=fri-mon/07:00-20:00", "2026-03-08T12:00:00Z", "2026-03-03T12:00:00Z" },
	{ "allow=sun-sun/00:00-24:00", "2026-03-08T23:59:59Z", "2026-03-09T00:00:00Z" },
	{ "allow=mon-sun/00:00-24:00", "2026-03-08T23:59:59Z", "1970-01-01T00:00:01Z" },
	{ "allow=mon-mon/10:00-11:00,tue/11:00-12:00", "2026-03-03T11:30:00Z",
		"2026-03-03T10:30:00Z" },
	{ "allow=mon-mon/10:00-11:00,tue/11:00-12:00", "2026-03-02T10:30:00Z",
		"2026-03-02T11:30:00Z" },
	/* over midnight, the day is that of the beginning; over the week's end too */
	{ "allow=fri/22:00-06:00", "2026-03-06T22:00:00Z", "2026-03-06T21:59:59Z" },
	{ "allow=fri/22:00-06:00", "2026-03-07T05:59:59Z", "2026-03-07T06:00:00Z" },
	{ "allow=fri/22:00-06:00", "2026-03-07T00:00:00Z", "2026-03-06T00:00:00Z" },
	{ "allow=sun/22:00-06:00", "2026-03-09T05:00:00Z", "2026-03-08T05:00:00Z" },
	{ "allow=sat/22:00-00:00", "2026-03-07T23:59:59Z", "2026-03-08T00:00:00Z" },
	{ "allow=sat/22:00-24:00", "2026-03-07T23:59:59Z", "2026-03-08T00:00:00Z" },
	/* by the clocks of a place: what is skipped never comes, what comes twice is in twice */
	{ "allow=sun/01:00-02:00 zone=America/Denver", "2026-03-08T08:59:59Z",
		"2026-03-08T09:00:00Z" },
	{ "allow=sun/03:00-04:00 zone=America/Denver", "2026-03-08T09:00:00Z",
		"2026-03-08T08:59:59Z" },
	{ "allow=sun/01:00-02:00 zone=America/Denver", "2026-11-01T07:00:00Z",
		"2026-11-01T06:59:59Z" },
	{ "allow=sun/01:00-02:00 zone=America/Denver", "2026-11-01T08:59:59Z",
		"2026-11-01T09:00:00Z" },
	{ "allow=sun/01:30-02:00 zone=Australia/Lord_Howe", "2026-04-04T14:30:00Z",
		"2026-04-04T14:29:59Z" },
	{ "allow=sun/01:30-02:00 zone=Australia/Lord_Howe", "2026-04-04T15:00:00Z",
		"2026-04-04T15:30:00Z" },
	{ "allow=sun/02:30-03:00 zone=Australia/Lord_Howe", "2026-10-03T15:30:00Z",
		"2026-10-03T15:29:59Z" },
	{ "allow=mon/00:00-24:00 zone=Australia/Lord_Howe", "2026-03-01T13:00:00Z",
		"2026-03-02T13:00:00Z" },
	{ "allow=mon-sun/00:00-24:00 zone=America/Denver", "9999-12-31T23:59:59Z",
		"1970-01-01T00:00:01Z" },
};

static bool ask(const struct pol_snapshot *snapshot, int64_t now, int64_t time)
{
	struct pol_held held = { .role = 0 };
	struct pol_facts facts = { .key_state = POL_KEY_ACTIVE,
		.binding = POL_BOUND_TO_ROLES,
		.held = &held,
		.held_count = 1,
		.verb = POL_STR("GET"),
		.path = POL_STR("api:/a"),
		.now = now,
		.time = time };
	struct pol_decision decision;

	pol_eval(snapshot, &facts, &decision);
	cr_expect(decision.allow || pol_str_equal(decision.reason, POL_STR("hours")));
	cr_expect_eq(decision.status, decision.allow ? 200 : 403);
	return decision.allow;
}

static int64_t at(const char *text)
{
	int64_t time;

	cr_assert_eq(pol_timetext_parse(pol_str_of(text), &time), POL_OK, "%s", text);
	return time;
}

Test(hours, hours_are_those_of_the_time_zone)
{
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		char said[256];
		struct pol_snapshot *snapshot = compile(rows[i].arguments, "", true, said);
		int64_t in = at(rows[i].in);
		int64_t out = at(rows[i].out);

		cr_assert_not_null(snapshot, "%s", said);
		cr_expect(ask(snapshot, in, 0), "%s at %s", rows[i].arguments, rows[i].in);
		cr_expect(!ask(snapshot, out, 0), "%s at %s", rows[i].arguments, rows[i].out);
		/* The time from a trusted peer wins over the clock of the daemon. */
		cr_expect(ask(snapshot, out, in), "%s, given %s", rows[i].arguments, rows[i].in);
		cr_expect(!ask(snapshot, in, out), "%s, given %s", rows[i].arguments, rows[i].out);
		pol_snapshot_unref(snapshot);
	}
}

Test(hours, an_invalid_time_is_denied)
{
	static const int64_t times[] = { 0, 1, -1, INT64_MIN, INT64_MAX, INT64_C(253402300800) };
	char said[256];
	struct pol_snapshot *snapshot =
		compile("allow=mon-sun/00:00-24:00 zone=America/Denver", "", true, said);

	cr_assert_not_null(snapshot, "%s", said);
	for (size_t i = 0; i < sizeof times / sizeof *times; i++) {
		cr_expect(!ask(snapshot, times[i], 0), "%zu", i);
		cr_expect(!ask(snapshot, 1, times[i]), "%zu", i);
	}
	cr_expect(ask(snapshot, 2, 0));
	pol_snapshot_unref(snapshot);
}

Test(hours, a_test_uses_its_time_and_without_one_is_denied)
{
	char said[256];
	struct pol_snapshot *snapshot = compile("allow=mon-fri/07:00-20:00 zone=America/Denver",
		"test \"t\" {\n as role r\n deny GET api:/a because hours\n"
		" time 2026-03-02T14:00:00Z\n allow GET api:/a\n"
		" time 2026-03-09T13:00:00Z\n allow GET api:/a\n"
		" time 2026-03-09T12:59:59Z\n deny GET api:/a because hours\n}\n",
		true, said);

	cr_expect_not_null(snapshot);
	cr_expect_str_eq(said, "");
	pol_snapshot_unref(snapshot);
}

#define FORM                                                                                       \
	" are not hours: write days and a range, as in 'mon-fri/07:00-20:00' or "                  \
	"'sat/22:00-06:00', each range with its days"

static const struct {
	const char *arguments;
	const char *said;
} mistakes[] = {
	{ "", "5:18 module 'hours' wants 'allow=', as in 'hours allow=mon-fri/07:00-20:00 "
	      "zone=Europe/Berlin'" },
	{ "allow=mon", "5:30 'mon'" FORM },
	{ "allow=07:00-20:00", "5:30 '07:00-20:00'" FORM },
	{ "allow=mon,fri/07:00-20:00", "5:30 'mon'" FORM },
	{ "allow=mon/07:00-12:00,13:00-17:00", "5:46 '13:00-17:00'" FORM },
	{ "allow=mo/07:00-20:00", "5:30 'mo/07:00-20:00'" FORM },
	{ "allow=MON/07:00-20:00", "5:30 'MON/07:00-20:00'" FORM },
	{ "allow=mon-/07:00-20:00", "5:30 'mon-/07:00-20:00'" FORM },
	{ "allow=mon/7:00-20:00", "5:30 'mon/7:00-20:00'" FORM },
	{ "allow=mon/07:60-20:00", "5:30 'mon/07:60-20:00'" FORM },
	{ "allow=mon/07:00-24:01", "5:30 'mon/07:00-24:01'" FORM },
	{ "allow=mon/24:00-07:00", "5:30 'mon/24:00-07:00'" FORM },
	{ "allow=mon/07:00", "5:30 'mon/07:00'" FORM },
	{ "allow=mon/07:00-07:00", "5:30 'mon/07:00-07:00' begins and ends at the same time: a "
				   "whole day is '00:00-24:00'" },
	{ "allow=mon/07:00-20:00 zone=../passwd",
		"5:51 '../passwd' is not a time zone's name: write one such as 'Europe/Berlin'" },
	{ "allow=mon/07:00-20:00 zone=Europe/Bonn",
		"5:51 this machine has no time zone 'Europe/Bonn' (the package tzdata brings "
		"them)" },
	{ "allow=mon/07:00-20:00 zone=Unreadable",
		"5:51 time zone 'Unreadable' cannot be read on this machine" },
	{ "allow=mon/07:00-20:00 zone=Broken", "5:51 the machine's file of time zone 'Broken' is "
					       "damaged, or counts leap seconds" },
	{ "allow=mon/07:00-20:00 zone=UTC,UTC", "5:55 argument 'zone' has one value" },
	{ "alow=mon/07:00-20:00", "5:24 module 'hours' has no argument 'alow': did you mean "
				  "'allow'?" },
};

Test(hours, mistakes_are_reported_at_their_positions)
{
	char said[256];

	for (size_t i = 0; i < sizeof mistakes / sizeof *mistakes; i++) {
		cr_expect_null(compile(mistakes[i].arguments, "", true, said));
		cr_expect_str_eq(said, mistakes[i].said, "%s: %s", mistakes[i].arguments, said);
	}
	cr_expect_null(compile("allow=mon/07:00-20:00 zone=America/Denver", "", false, said));
	cr_expect_str_eq(said, "5:51 time zone 'America/Denver' cannot be read on this machine");
}
