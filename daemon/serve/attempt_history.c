/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/serve/attempt_history.h"

#include <stdio.h>
#include <string.h>

#include "daemon/config/peer.h"
#include "daemon/load/build.h"
#include "daemon/serve/policy_entry.h"
#include "daemon/serve/report.h"

void attempt_history_finish(struct attempt_history *history)
{
	for (unsigned i = 0; i < history->count; i++) {
		wire_buf_finish(&history->records[i].diagnostics);
	}
}

/* The first diagnostics of the build that there is room for. */
static void take_diagnostics(struct wire_buf *out, const struct wire_buf *all)
{
	struct wire_cursor left = wire_cursor_of(all->data, all->len);
	struct wire_cursor one;
	uint32_t total = 0, taken = 0;
	size_t at;

	wire_buf_init(out, ATTEMPT_HISTORY_BYTES);
	at = wire_open_array(out);
	wire_read_array(&left, &total);
	while (taken < total && taken < ATTEMPT_HISTORY_DIAGNOSTICS && wire_take(&left, &one)) {
		size_t mark = out->len;

		wire_put_raw(out, one.ptr, (size_t)(one.end - one.ptr));
		if (out->status != WIRE_OK) {
			wire_buf_rewind(out, mark);
			break;
		}
		taken++;
	}
	wire_close_array(out, at, taken);
}

static bool ended_alike(const struct attempt_record *a, const struct attempt_record *b)
{
	return !a->exchanged && !b->exchanged && a->ok == b->ok && a->errors == b->errors &&
	       a->warnings == b->warnings && a->trigger == b->trigger &&
	       strcmp(a->actor, b->actor) == 0 && strcmp(a->revision, b->revision) == 0 &&
	       strcmp(a->commit, b->commit) == 0 && a->diagnostics.len == b->diagnostics.len &&
	       (a->diagnostics.len == 0 ||
		       memcmp(a->diagnostics.data, b->diagnostics.data, a->diagnostics.len) == 0);
}

void attempt_history_add(struct attempt_history *history, const struct build *build,
	const struct report_outcome *outcome)
{
	struct attempt_record *newest = &history->records[history->newest];
	struct attempt_record record = {
		.first_at = outcome->at,
		.at = outcome->at,
		.times = 1,
		.trigger = reload_trigger_name(outcome->trigger),
		.ok = outcome->ok,
		.exchanged = outcome->exchanged,
		.errors = build->errors,
		.warnings = build->warnings,
	};

	if (outcome->by != NULL) {
		snprintf(record.actor, sizeof record.actor, "uid:%u", (unsigned)outcome->by->uid);
	} else {
		snprintf(record.actor, sizeof record.actor, "daemon");
	}
	snprintf(record.revision, sizeof record.revision, "%s", outcome->revision);
	snprintf(record.commit, sizeof record.commit, "%s", outcome->commit);
	take_diagnostics(&record.diagnostics, &build->diagnostics);
	if (history->count > 0 && ended_alike(newest, &record)) {
		newest->at = record.at;
		newest->times++;
		wire_buf_finish(&record.diagnostics);
		return;
	}
	if (history->count < ATTEMPT_HISTORY_KEPT) {
		history->newest = history->count++;
	} else {
		history->newest = (history->newest + 1) % ATTEMPT_HISTORY_KEPT;
		wire_buf_finish(&history->records[history->newest].diagnostics);
	}
	history->records[history->newest] = record;
}

static void put_int(struct wire_buf *out, const char *name, int64_t value)
{
	wire_put_cstr(out, name);
	wire_put_int(out, value);
}

static void put_text(struct wire_buf *out, const char *name, const char *value)
{
	wire_put_cstr(out, name);
	wire_put_cstr(out, value);
}

static void put_bool(struct wire_buf *out, const char *name, bool value)
{
	wire_put_cstr(out, name);
	wire_put_bool(out, value);
}

static void encode(const struct attempt_record *record, struct wire_buf *out)
{
	const struct wire_buf *diagnostics = &record->diagnostics;

	wire_put_map(out, 12);
	put_int(out, "attempted_at", record->at);
	put_int(out, "first_at", record->first_at);
	put_int(out, "times", (int64_t)record->times);
	put_text(out, "trigger", record->trigger);
	put_text(out, "actor", record->actor);
	put_bool(out, "ok", record->ok);
	put_bool(out, "exchanged", record->exchanged);
	put_text(out, "revision", record->revision);
	wire_put_cstr(out, "commit");
	if (record->commit[0] != '\0') {
		wire_put_cstr(out, record->commit);
	} else {
		wire_put_nil(out);
	}
	put_int(out, "errors", (int64_t)record->errors);
	put_int(out, "warnings", (int64_t)record->warnings);
	wire_put_cstr(out, "diagnostics");
	if (diagnostics->len > 0) {
		wire_put_raw(out, diagnostics->data, diagnostics->len);
	} else {
		wire_put_array(out, 0);
	}
}

void attempt_history_encode(const struct attempt_history *history, struct wire_buf *out)
{
	wire_put_array(out, history->count);
	for (unsigned i = 0; i < history->count; i++) {
		unsigned at = history->newest + ATTEMPT_HISTORY_KEPT - i;

		encode(&history->records[at % ATTEMPT_HISTORY_KEPT], out);
	}
}
