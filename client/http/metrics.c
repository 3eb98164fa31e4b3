/* SPDX-License-Identifier: Apache-2.0 */
#include "client/http/metrics.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { LINE_MAX_BYTES = 512, NAME_BYTES = 128, MAX_FACT = 256 };

/* Upper bounds of the buckets of latency, in microseconds; the last one has none. */
static const unsigned bounds_us[HTTP_BUCKETS - 1] = { 50, 100, 200, 500, 1000, 2000, 5000, 10000,
	50000, 200000, 1000000 };

/* --- counting --------------------------------------------------------------------------------- */

/* The place of a reason; HTTP_REASONS: there is none left, or the text is not a reason and could
 * break a line. */
static size_t place_of(struct http_metrics *metrics, const char *reason)
{
	size_t i, len;

	for (i = 0; i < metrics->reason_count; i++) {
		if (strcmp(metrics->reasons[i], reason) == 0) {
			return i;
		}
	}
	len = strlen(reason);
	if (i == HTTP_REASONS || len == 0 || len >= sizeof metrics->reasons[0] ||
		strspn(reason, "abcdefghijklmnopqrstuvwxyz0123456789_") != len) {
		return HTTP_REASONS;
	}
	memcpy(metrics->reasons[i], reason, len + 1);
	metrics->reason_count++;
	return i;
}

void http_metrics_count(struct http_metrics *metrics, bool allowed, const char *reason, uint64_t ns)
{
	size_t place = place_of(metrics, reason), bucket = 0;

	if (place == HTTP_REASONS) {
		metrics->other++;
	} else if (allowed) {
		metrics->allowed[place]++;
	} else {
		metrics->denied[place]++;
	}
	while (bucket < HTTP_BUCKETS - 1 && ns > bounds_us[bucket] * UINT64_C(1000)) {
		bucket++;
	}
	metrics->latency[bucket]++;
	metrics->latency_sum += ns;
}

/* --- writing ---------------------------------------------------------------------------------- */

__attribute__((format(printf, 2, 3))) static void put(struct wire_buf *out, const char *format, ...)
{
	char line[LINE_MAX_BYTES];
	va_list list;
	int n;

	va_start(list, format);
	n = vsnprintf(line, sizeof line, format, list);
	va_end(list);
	if (n > 0 && (size_t)n < sizeof line) {
		wire_put_raw(out, line, (size_t)n);
	}
}

static void put_decisions(const struct http_metrics *metrics, struct wire_buf *out)
{
	put(out, "# HELP authz_http_decisions_total Answers to requests for a decision.\n"
		 "# TYPE authz_http_decisions_total counter\n");
	for (size_t i = 0; i < metrics->reason_count; i++) {
		if (metrics->allowed[i] > 0) {
			put(out,
				"authz_http_decisions_total{result=\"allow\",reason=\"%s\"} "
				"%" PRIu64 "\n",
				metrics->reasons[i], metrics->allowed[i]);
		}
		if (metrics->denied[i] > 0) {
			put(out,
				"authz_http_decisions_total{result=\"deny\",reason=\"%s\"} "
				"%" PRIu64 "\n",
				metrics->reasons[i], metrics->denied[i]);
		}
	}
	if (metrics->other > 0) {
		put(out,
			"authz_http_decisions_total{result=\"other\",reason=\"other\"} %" PRIu64
			"\n",
			metrics->other);
	}
}

static void put_latency(const struct http_metrics *metrics, struct wire_buf *out)
{
	uint64_t count = 0;

	put(out, "# HELP authz_http_latency_seconds From the request to its answer.\n"
		 "# TYPE authz_http_latency_seconds histogram\n");
	for (size_t i = 0; i < HTTP_BUCKETS; i++) {
		count += metrics->latency[i];
		if (i < HTTP_BUCKETS - 1) {
			put(out, "authz_http_latency_seconds_bucket{le=\"%g\"} %" PRIu64 "\n",
				bounds_us[i] / 1e6, count);
		}
	}
	put(out,
		"authz_http_latency_seconds_bucket{le=\"+Inf\"} %" PRIu64 "\n"
		"authz_http_latency_seconds_sum %.9f\n"
		"authz_http_latency_seconds_count %" PRIu64 "\n",
		count, (double)metrics->latency_sum / 1e9, count);
}

/* A number or a truth value as a sample of this name; anything else is ignored. False: the bytes
 * are of no form. */
static bool put_value(struct wire_buf *out, const char *name, struct wire_cursor *value)
{
	int64_t number;
	bool truth;

	if (wire_peek(value) == WIRE_INT) {
		if (wire_read_int(value, &number)) {
			put(out, "%s %" PRId64 "\n", name, number);
		}
		return true;
	}
	if (wire_peek(value) == WIRE_BOOL) {
		if (wire_read_bool(value, &truth)) {
			put(out, "%s %d\n", name, truth ? 1 : 0);
		}
		return true;
	}
	return wire_skip(value);
}

/* A name of a metric has [a-z0-9_] alone. False: it does not. */
static bool put_name(char name[static NAME_BYTES], const char *prefix, struct wire_str key)
{
	if (key.len == 0 || key.len > NAME_BYTES / 4) {
		return false;
	}
	for (size_t i = 0; i < key.len; i++) {
		char c = key.ptr[i];

		if (!(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9') && c != '_') {
			return false;
		}
	}
	return snprintf(name, NAME_BYTES, "%s_%.*s", prefix, (int)key.len, key.ptr) < NAME_BYTES;
}

/* A revision that could break the line is left out. */
static bool put_revision(struct wire_buf *out, struct wire_cursor *value)
{
	struct wire_str text;
	bool good;

	if (!wire_read_text(value, &text)) {
		return false;
	}
	good = text.len <= 32;
	for (size_t i = 0; i < text.len && good; i++) {
		good = text.ptr[i] > ' ' && text.ptr[i] <= '~' && text.ptr[i] != '"' &&
		       text.ptr[i] != '\\';
	}
	if (good) {
		put(out, "authzd_policy_info{revision=\"%.*s\"} 1\n", (int)text.len, text.ptr);
	}
	return true;
}

/* The counts of facts, whose names have dots: as values of a label. */
static bool put_missing(struct wire_buf *out, struct wire_cursor *map)
{
	static const char chars[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.-";
	uint32_t pairs;

	if (!wire_read_map(map, &pairs)) {
		return false;
	}
	for (uint32_t i = 0; i < pairs; i++) {
		struct wire_str fact;
		int64_t number;
		bool good;

		if (!wire_read_text(map, &fact) || !wire_read_int(map, &number)) {
			return false;
		}
		good = fact.len > 0 && fact.len <= MAX_FACT;
		for (size_t k = 0; k < fact.len && good; k++) {
			good = fact.ptr[k] != '\0' && strchr(chars, fact.ptr[k]) != NULL;
		}
		if (good) {
			put(out, "authzd_missing_facts_total{fact=\"%.*s\"} %" PRId64 "\n",
				(int)fact.len, fact.ptr, number);
		}
	}
	return true;
}

/* The numbers of a map, and of the maps in it. */
static bool put_map(
	struct wire_buf *out, const char *prefix, struct wire_cursor *map, unsigned depth)
{
	uint32_t pairs;

	if (!wire_read_map(map, &pairs)) {
		return false;
	}
	for (uint32_t i = 0; i < pairs; i++) {
		char name[NAME_BYTES];
		struct wire_str key;
		bool good;

		if (!wire_read_text(map, &key)) {
			return false;
		}
		if (wire_str_equal(key, WIRE_STR("revision")) && wire_peek(map) == WIRE_TEXT) {
			good = put_revision(out, map);
		} else if (wire_str_equal(key, WIRE_STR("missing_facts"))) {
			good = put_missing(out, map);
		} else if (!put_name(name, prefix, key)) {
			good = wire_skip(map);
		} else if (wire_peek(map) == WIRE_MAP && depth > 0) {
			good = put_map(out, name, map, depth - 1);
		} else {
			good = put_value(out, name, map);
		}
		if (!good) {
			return false;
		}
	}
	return true;
}

void http_metrics_write(
	const struct http_metrics *metrics, const void *status, size_t len, struct wire_buf *out)
{
	put_decisions(metrics, out);
	put_latency(metrics, out);
	put(out,
		"# HELP authz_http_in_flight Requests that wait for the daemon.\n"
		"# TYPE authz_http_in_flight gauge\n"
		"authz_http_in_flight %" PRIu64 "\n"
		"# HELP authz_http_connections Connections of web servers.\n"
		"# TYPE authz_http_connections gauge\n"
		"authz_http_connections %" PRIu64 "\n"
		"# HELP authz_http_daemon_status Did the daemon answer `status`?\n"
		"# TYPE authz_http_daemon_status gauge\n"
		"authz_http_daemon_status %d\n",
		metrics->in_flight, metrics->connections, status != NULL);
	put(out,
		"# HELP authz_http_confined Does this facility of the kernel limit authz-http?\n"
		"# TYPE authz_http_confined gauge\n"
		"authz_http_confined{by=\"seccomp\"} %d\n"
		"authz_http_confined{by=\"landlock\"} %d\n",
		metrics->confined.calls, metrics->confined.files > 0);
	if (status != NULL) {
		struct wire_cursor map = wire_cursor_of(status, len);

		put_map(out, "authzd", &map, 2);
	}
}
