/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/share/database_internal.h"

/* Keys of one statement. */
#define USES 512
/* The longest element of an array: a number, or 16 bytes as text. */
#define ELEMENT 48

/* `at` and `ip` are of the latest use; the sums only grow, whatever arrives late. */
static const struct database_statement put_uses = { "put_uses",
	"INSERT INTO authz.use AS old (number, store, at, ip, uses, denials) "
	"SELECT number, $1, at, ip, uses, denials FROM unnest($2::bigint[], $3::bigint[], "
	"$4::bytea[], $5::bigint[], $6::bigint[]) AS new (number, at, ip, uses, denials) "
	"ON CONFLICT (number, store) DO UPDATE SET "
	"ip = CASE WHEN excluded.at >= old.at THEN excluded.ip ELSE old.ip END, "
	"at = greatest(old.at, excluded.at), uses = greatest(old.uses, excluded.uses), "
	"denials = greatest(old.denials, excluded.denials)" };

static const struct database_statement put_hashes = { "put_hashes",
	"INSERT INTO authz.used (number, hash) SELECT $1, unnest($2::bigint[]) "
	"ON CONFLICT DO NOTHING" };

#define USE_ADDRESS DATABASE_FIXED("ip", 16)
static const struct database_statement read_uses = { "read_uses",
	"SELECT number, max(at), (array_agg(" USE_ADDRESS " ORDER BY at DESC))[1], "
	"sum(uses)::bigint, sum(denials)::bigint FROM authz.use WHERE store <> $1 AND number > $2 "
	"GROUP BY number ORDER BY number LIMIT $3::bigint" };

static const struct database_statement read_hashes = { "read_hashes",
	"SELECT number, string_agg(hash::text, ',') FROM authz.used WHERE number > $1 "
	"GROUP BY number ORDER BY number LIMIT $2::bigint" };

static const struct database_statement forget_uses = { "forget_uses",
	"DELETE FROM authz.use WHERE number = ANY($1::bigint[])" };
static const struct database_statement forget_hashes = { "forget_hashes",
	"DELETE FROM authz.used WHERE number = ANY($1::bigint[])" };

/* An array as text: {A,B}. */
struct array {
	size_t len;
	char text[USES * (ELEMENT + 1) + 3];
};

__attribute__((format(printf, 2, 3))) static void add(struct array *array, const char *format, ...)
{
	va_list args;

	array->text[array->len] = array->len == 0 ? '{' : ',';
	array->len++;
	va_start(args, format);
	array->len += (size_t)vsnprintf(
		array->text + array->len, sizeof array->text - array->len, format, args);
	va_end(args);
}

static const char *end(struct array *array)
{
	if (array->len == 0) {
		array->text[array->len++] = '{';
	}
	array->text[array->len] = '}';
	array->text[array->len + 1] = 0;
	return array->text;
}

static void add_address(struct array *array, const struct share_use *use)
{
	char text[2 * sizeof use->ip + 1];

	if (!use->has_ip) {
		add(array, "NULL");
		return;
	}
	for (size_t i = 0; i < sizeof use->ip; i++) {
		snprintf(text + 2 * i, 3, "%02x", use->ip[i]);
	}
	add(array, "\"\\\\x%s\"", text);
}

struct use_arrays {
	struct array numbers, times, addresses, uses, denials;
};

static int put_some(struct database *database, const uint8_t store[16],
	const struct share_use *uses, size_t count, uint64_t deadline)
{
	struct use_arrays *arrays = calloc(1, sizeof *arrays);
	struct database_params params = { 0 };
	int r;

	if (arrays == NULL) {
		return -ENOMEM;
	}
	for (size_t i = 0; i < count; i++) {
		add(&arrays->numbers, "%" PRId64, (int64_t)uses[i].number);
		add(&arrays->times, "%" PRId64, uses[i].at);
		add_address(&arrays->addresses, &uses[i]);
		add(&arrays->uses, "%" PRId64, (int64_t)uses[i].uses);
		add(&arrays->denials, "%" PRId64, (int64_t)uses[i].denials);
	}
	database_put_bytes(&params, store, 16);
	database_put_text(&params, end(&arrays->numbers));
	database_put_text(&params, end(&arrays->times));
	database_put_text(&params, end(&arrays->addresses));
	database_put_text(&params, end(&arrays->uses));
	database_put_text(&params, end(&arrays->denials));
	r = database_run(database, &put_uses, &params, deadline, NULL);
	free(arrays);
	return r;
}

int database_use_put(struct share_log *log, const uint8_t store[16], const struct share_use *uses,
	size_t count, int timeout)
{
	uint64_t deadline = database_deadline(timeout);
	int r = 0;

	for (size_t done = 0; done < count && r == 0; done += USES) {
		size_t some = count - done < USES ? count - done : USES;

		r = put_some(database_of(log), store, uses + done, some, deadline);
	}
	return r;
}

int database_used_put(
	struct share_log *log, uint64_t number, const uint64_t *hashes, size_t count, int timeout)
{
	uint64_t deadline = database_deadline(timeout);
	struct array *array = malloc(sizeof *array);
	int r = array != NULL ? 0 : -ENOMEM;

	for (size_t done = 0; done < count && r == 0; done += USES) {
		size_t some = count - done < USES ? count - done : USES;
		struct database_params params = { 0 };

		array->len = 0;
		for (size_t i = 0; i < some; i++) {
			add(array, "%" PRId64, (int64_t)hashes[done + i]);
		}
		database_put_number(&params, (int64_t)number);
		database_put_text(&params, end(array));
		r = database_run(database_of(log), &put_hashes, &params, deadline, NULL);
	}
	free(array);
	return r;
}

static bool decode(const PGresult *result, int row, struct share_use *out)
{
	int64_t number, uses, denials;

	if (!database_get_number(result, row, 0, &number) ||
		!database_get_number(result, row, 1, &out->at) ||
		!database_get_number(result, row, 3, &uses) ||
		!database_get_number(result, row, 4, &denials)) {
		return false;
	}
	out->has_ip = !PQgetisnull(result, row, 2);
	out->number = (uint64_t)number;
	out->uses = (uint64_t)uses;
	out->denials = (uint64_t)denials;
	return number >= 0 && uses >= 0 && denials >= 0 &&
	       (!out->has_ip || database_get_fixed(result, row, 2, out->ip, sizeof out->ip));
}

int database_use_read(struct share_log *log, const struct share_use_from *from, share_use_row seen,
	void *context, int timeout)
{
	struct database *database = database_of(log);
	struct database_params params = { 0 };
	PGresult *result;
	int r;

	database_put_bytes(&params, from->store, 16);
	database_put_number(&params, (int64_t)from->after);
	database_put_number(&params, from->most);
	r = database_run(database, &read_uses, &params, database_deadline(timeout), &result);
	if (r < 0) {
		return r;
	}
	for (int i = 0; i < PQntuples(result) && r == 0; i++) {
		struct share_use use = { 0 };

		r = decode(result, i, &use) ? seen(context, &use)
					    : database_fail(database, -EBADMSG,
						      "a row of authz.use was altered: delete it");
	}
	PQclear(result);
	return r;
}

/* Parses numbers with commas from a text that ends with a NUL. */
static size_t parse(const char *text, uint64_t *out)
{
	size_t count = 0;

	while (*text != '\0') {
		char *end;

		out[count++] = (uint64_t)strtoll(text, &end, 10);
		if (end == text) {
			return 0;
		}
		text = *end == ',' ? end + 1 : end;
	}
	return count;
}

static int give_hashes(struct database *database, const PGresult *result, int row,
	share_used_row seen, void *context)
{
	struct pol_str text;
	uint64_t *hashes;
	int64_t number;
	size_t count;
	int r;

	if (!database_get_number(result, row, 0, &number) || number < 0 ||
		!database_get_bytes(result, row, 1, &text)) {
		return database_fail(
			database, -EBADMSG, "a row of authz.used was altered: delete it");
	}
	/* Each has a digit and a comma at least. */
	hashes = malloc((text.len / 2 + 1) * sizeof *hashes);
	if (hashes == NULL) {
		return -ENOMEM;
	}
	count = parse(text.ptr, hashes);
	r = seen(context, (uint64_t)number, hashes, count);
	free(hashes);
	return r;
}

int database_used_read(struct share_log *log, const struct share_use_from *from,
	share_used_row seen, void *context, int timeout)
{
	struct database *database = database_of(log);
	struct database_params params = { 0 };
	PGresult *result;
	int r;

	database_put_number(&params, (int64_t)from->after);
	database_put_number(&params, from->most);
	r = database_run(database, &read_hashes, &params, database_deadline(timeout), &result);
	if (r < 0) {
		return r;
	}
	for (int i = 0; i < PQntuples(result) && r == 0; i++) {
		r = give_hashes(database, result, i, seen, context);
	}
	PQclear(result);
	return r;
}

static int forget_some(
	struct database *database, const uint64_t *numbers, size_t count, uint64_t deadline)
{
	struct array *array = calloc(1, sizeof *array);
	struct database_params params = { 0 };
	int r;

	if (array == NULL) {
		return -ENOMEM;
	}
	for (size_t i = 0; i < count; i++) {
		add(array, "%" PRId64, (int64_t)numbers[i]);
	}
	database_put_text(&params, end(array));
	r = database_run(database, &forget_uses, &params, deadline, NULL);
	if (r == 0) {
		r = database_run(database, &forget_hashes, &params, deadline, NULL);
	}
	free(array);
	return r;
}

int database_use_forget(struct share_log *log, const uint64_t *numbers, size_t count, int timeout)
{
	uint64_t deadline = database_deadline(timeout);
	int r = 0;

	for (size_t done = 0; done < count && r == 0; done += USES) {
		size_t some = count - done < USES ? count - done : USES;

		r = forget_some(database_of(log), numbers + done, some, deadline);
	}
	return r;
}
