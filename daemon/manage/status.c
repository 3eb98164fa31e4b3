/* SPDX-License-Identifier: Apache-2.0 */
/* status: counters, latencies, and the state of store, keys, pepper and policy. */
#include "daemon/call/methods.h"
#include "daemon/load/feed.h"
#include "daemon/manage/policy.h"
#include "daemon/manage/store_share.h"
#include "daemon/secret/token.h"
#include "daemon/store/env.h"
#include "daemon/tend/pepper.h"
#include "daemon/tend/rotation.h"
#include "policy/snapshot/snapshot.h"

struct number {
	const char *name;
	uint64_t value;
};

static void encode_numbers(struct wire_buf *out, const struct number *numbers, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		wire_put_cstr(out, numbers[i].name);
		wire_put_int(
			out, numbers[i].value > INT64_MAX ? INT64_MAX : (int64_t)numbers[i].value);
	}
}

static void encode_map(
	struct wire_buf *out, const char *name, const struct number *numbers, size_t count)
{
	wire_put_cstr(out, name);
	wire_put_map(out, (uint32_t)count);
	encode_numbers(out, numbers, count);
}

static void encode_counts(struct wire_buf *out, const struct report *report)
{
	const struct number counters[] = {
		{ "requests", report->requests },
		{ "allowed", report->allowed },
		{ "denied", report->denied },
		{ "malformed", report->malformed },
		{ "accepted", report->accepted },
		{ "connections", report->connections },
		{ "max_connections", report->max_connections },
		{ "refused", report->refused },
		{ "idle_closed", report->reaped },
		{ "waiting", report->waiting },
	};
	const struct number quotas[] = {
		{ "counters", report->counters },
		{ "uncounted", report->uncounted },
	};
	const struct number decisions[] = {
		{ "written", report->logged },
		{ "dropped", report->dropped },
	};
	const struct number lines[] = {
		{ "written", report->log_written },
		{ "dropped", report->log_dropped },
	};
	const struct number latency[] = {
		{ "p50", report->p50 },
		{ "p90", report->p90 },
		{ "p99", report->p99 },
		{ "p999", report->p999 },
	};

	encode_map(out, "counters", counters, sizeof counters / sizeof counters[0]);
	encode_map(out, "latency_ns", latency, sizeof latency / sizeof latency[0]);
	encode_map(out, "quotas", quotas, sizeof quotas / sizeof quotas[0]);
	encode_map(out, "decision_log", decisions, sizeof decisions / sizeof decisions[0]);
	encode_map(out, "log", lines, sizeof lines / sizeof lines[0]);
}

static void encode_rotation(struct wire_buf *out, const struct rotation_counts *keys)
{
	const struct number rotation[] = {
		{ "dead", keys->dead },
		{ "due", keys->due },
		{ "overdue", keys->overdue },
		{ "expiring", keys->expiring },
	};

	encode_map(out, "rotation", rotation, sizeof rotation / sizeof rotation[0]);
}

static void encode_keys(struct wire_buf *out, const struct rotation_counts *keys)
{
	const struct number states[] = {
		{ "active", keys->active },
		{ "inactive", keys->inactive },
		{ "expired", keys->expired },
		{ "revoked", keys->revoked },
		{ "deleted", keys->deleted },
	};

	encode_map(out, "keys", states, sizeof states / sizeof states[0]);
}

static void encode_store(struct wire_buf *out, const struct store_counts *store)
{
	const struct number stored[] = {
		{ "keys", store->keys },
		{ "principals", store->principals },
		{ "bytes_used", store->bytes_used },
		{ "bytes_map", store->bytes_map },
		{ "altered", store->altered },
		{ "clock_latest", (uint64_t)store->clock.latest },
		{ "clock_back", (uint64_t)store->clock.back },
		{ "clock_ahead", (uint64_t)store->clock.ahead },
	};

	encode_map(out, "store", stored, sizeof stored / sizeof stored[0]);
}

static struct wire_str wire_of(struct pol_str text)
{
	return (struct wire_str){ text.ptr, text.len };
}

/* What the module says about its lines. */
static void encode_notes(
	struct wire_buf *out, const struct pol_snapshot *snapshot, struct pol_str module)
{
	struct pol_snapshot_note note;
	uint32_t count = 0;
	size_t at;

	wire_put_cstr(out, "notes");
	at = wire_open_array(out);
	for (size_t i = 0; pol_snapshot_note(snapshot, i, &note); i++) {
		if (!pol_str_equal(note.module, module)) {
			continue;
		}
		wire_put_map(out, 3);
		wire_put_cstr(out, "file");
		wire_put_str(out, wire_of(note.file));
		wire_put_cstr(out, "line");
		wire_put_int(out, note.line);
		wire_put_cstr(out, "note");
		wire_put_str(out, wire_of(note.text));
		count++;
	}
	wire_close_array(out, at, count);
}

/* Modules that the policy uses, except built-in ones. */
static void encode_modules(struct wire_buf *out, const struct pol_snapshot *snapshot)
{
	struct pol_snapshot_module module;
	uint32_t count = 0;
	size_t at;

	wire_put_cstr(out, "modules");
	at = wire_open_array(out);
	for (; pol_snapshot_module(snapshot, count, &module); count++) {
		wire_put_map(out, 3);
		wire_put_cstr(out, "name");
		wire_put_str(out, wire_of(module.name));
		wire_put_cstr(out, "version");
		wire_put_str(out, wire_of(module.version));
		encode_notes(out, snapshot, module.name);
	}
	wire_close_array(out, at, count);
}

struct listing {
	struct wire_buf *out;
	uint32_t count;
};

static void encode_feed(void *context, const struct feed *feed)
{
	struct listing *listing = context;
	struct wire_buf *out = listing->out;
	bool refused = feed->why[0] != '\0';

	listing->count++;
	wire_put_map(out, refused ? 6 : 3);
	wire_put_cstr(out, "name");
	wire_put_cstr(out, feed->name);
	wire_put_cstr(out, "bytes");
	wire_put_int(out, (int64_t)feed->len);
	wire_put_cstr(out, "changed_at");
	wire_put_int(out, feed->changed_at);
	if (refused) {
		wire_put_cstr(out, "module");
		wire_put_cstr(out, feed->module);
		wire_put_cstr(out, "why");
		wire_put_cstr(out, feed->why);
		wire_put_cstr(out, "denies");
		wire_put_bool(out, feed->bytes == NULL);
	}
}

/* The data files that modules use. */
static void encode_feeds(struct call *call)
{
	struct listing listing = { call->out, 0 };
	size_t at;

	wire_put_cstr(call->out, "data");
	at = wire_open_array(call->out);
	if (call->context->feeds != NULL) {
		feeds_each(call->context->feeds, encode_feed, &listing);
	}
	wire_close_array(call->out, at, listing.count);
}

/* The number of the current pepper, the keys that still need the old one, and those that need one
 * which is gone. */
static void encode_pepper(struct call *call)
{
	struct secrets *secrets = store_secrets(call->context->store);
	struct number numbers[5] = { { "number", secrets_pepper(secrets) } };
	struct store_lost lost;
	size_t count = 1;
	uint64_t left;

	if (pepper_left(call->context->pepper, &left) && secrets_have_old(secrets)) {
		numbers[count++] = (struct number){ "left", left };
	}
	if (pepper_lost(call->context->pepper, &lost)) {
		numbers[count++] = (struct number){ "lost", lost.lost };
		numbers[count++] = (struct number){ "lost_of", lost.keys };
		numbers[count++] = (struct number){ "lost_pepper", lost.pepper };
	}
	encode_map(call->out, "pepper", numbers, count);
}

/* What limits the daemon itself. */
static void encode_confinement(struct wire_buf *out, const struct confined *confined)
{
	wire_put_cstr(out, "confinement");
	wire_put_map(out, 4);
	wire_put_cstr(out, "seccomp");
	wire_put_bool(out, confined->calls);
	wire_put_cstr(out, "landlock");
	wire_put_int(out, confined->files);
	wire_put_cstr(out, "folders");
	wire_put_array(out, (uint32_t)confined->folder_count);
	for (size_t i = 0; i < confined->folder_count; i++) {
		wire_put_cstr(out, confined->folders[i]);
	}
	wire_put_cstr(out, "capabilities");
	wire_put_bool(out, confined->capabilities);
}

static int status(struct call *call)
{
	const struct report_source *source = &call->context->report;
	struct wire_buf *out = call->out;
	struct store_counts store = { 0 };
	struct rotation_counts keys;
	struct report report;
	int r = policy_admit(call);

	if (r != 0) {
		return r;
	}
	r = store_count(call->read, &store);
	if (r < 0) {
		return r;
	}
	rotation_count(call->context->rotation, &keys);
	source->fill(source->data, call->now, &report);
	const struct number scalars[] = {
		{ "started_at", (uint64_t)report.started_at },
		{ "uptime", report.uptime },
		{ "workers", report.workers },
		{ "rate", report.rate },
	};

	wire_put_result(out, call->id);
	wire_put_map(out, call->context->share != NULL ? 20 : 19);
	wire_put_cstr(out, "version");
	wire_put_cstr(out, AUTHZ_VERSION);
	encode_numbers(out, scalars, sizeof scalars / sizeof scalars[0]);
	encode_counts(out, &report);
	encode_rotation(out, &keys);
	encode_keys(out, &keys);
	encode_store(out, &store);
	wire_put_cstr(out, "missing_facts");
	source->encode_missing(source->data, call->snapshot, out);
	encode_modules(out, call->snapshot);
	encode_feeds(call);
	if (call->context->share != NULL) {
		store_share_encode(call);
	}
	encode_pepper(call);
	encode_confinement(out, &call->context->confined);
	wire_put_cstr(out, "policy");
	policy_encode(call, &report.policy);
	return 0;
}

const struct method status_methods[] = {
	{ "status", NULL, 0, METHOD_MANAGES | METHOD_ANY_AGE, status },
};
const size_t status_method_count = sizeof status_methods / sizeof status_methods[0];
