/* SPDX-License-Identifier: Apache-2.0 */
#include <stddef.h>
#include <string.h>

#include "client/authz_handle.h"
#include "client/wire_head.h"

/* HTTP statuses: of a denial without an answer, and of every allow. */
enum { STATUS_UNAVAILABLE = 503, STATUS_OK = 200 };

#define NAME_INIT(literal)                                                                         \
	{                                                                                          \
		(literal), sizeof(literal) - 1                                                     \
	}

/* The text fields of a request, with their names on the wire. */
static const struct {
	struct wire_str name;
	size_t offset;
} text_fields[] = {
	{ NAME_INIT("token"), offsetof(struct authz_request, token) },
	{ NAME_INIT("principal"), offsetof(struct authz_request, principal) },
	{ NAME_INIT("method"), offsetof(struct authz_request, method) },
	{ NAME_INIT("path"), offsetof(struct authz_request, path) },
	{ NAME_INIT("tree"), offsetof(struct authz_request, tree) },
	{ NAME_INIT("action"), offsetof(struct authz_request, action) },
	{ NAME_INIT("resource"), offsetof(struct authz_request, resource) },
	{ NAME_INIT("service"), offsetof(struct authz_request, service) },
	{ NAME_INIT("environment"), offsetof(struct authz_request, environment) },
	{ NAME_INIT("tenant"), offsetof(struct authz_request, tenant) },
	{ NAME_INIT("ip"), offsetof(struct authz_request, ip) },
};

enum { TEXT_FIELDS = sizeof text_fields / sizeof text_fields[0] };

/* The fields of a decision, in the order in which the daemon sends them. In the table, size is that
 * of a text's array, 0 for other types. */
enum answer_field {
	ALLOW,
	STATUS,
	REASON,
	REVISION,
	KEY,
	ENVIRONMENT,
	PRINCIPAL,
	TENANT,
	RENEW,
	RENEW_BY,
	QUOTA,
	MISSING,
	ANSWER_FIELDS
};

static const struct {
	struct wire_str name;
	size_t offset;
	size_t size;
} answer_fields[ANSWER_FIELDS] = {
	[ALLOW] = { NAME_INIT("allow"), 0, 0 },
	[STATUS] = { NAME_INIT("status"), 0, 0 },
	[REASON] = { NAME_INIT("reason"), offsetof(struct authz_decision, reason),
		sizeof(((struct authz_decision *)0)->reason) },
	[REVISION] = { NAME_INIT("revision"), offsetof(struct authz_decision, revision),
		sizeof(((struct authz_decision *)0)->revision) },
	[KEY] = { NAME_INIT("key"), offsetof(struct authz_decision, key), AUTHZ_NAME_SIZE },
	[ENVIRONMENT] = { NAME_INIT("environment"), offsetof(struct authz_decision, environment),
		AUTHZ_NAME_SIZE },
	[PRINCIPAL] = { NAME_INIT("principal"), offsetof(struct authz_decision, principal),
		AUTHZ_NAME_SIZE },
	[TENANT] = { NAME_INIT("tenant"), offsetof(struct authz_decision, tenant),
		AUTHZ_NAME_SIZE },
	[RENEW] = { NAME_INIT("renew"), 0, 0 },
	[RENEW_BY] = { NAME_INIT("renew_by"), 0, 0 },
	[QUOTA] = { NAME_INIT("quota"), 0, 0 },
	[MISSING] = { NAME_INIT("missing"), 0, 0 },
};

void authz_deny(struct authz_decision *out)
{
	static const char reason[] = "unavailable";

	memset(out, 0, sizeof *out);
	out->verdict = AUTHZ_DENY;
	out->status = STATUS_UNAVAILABLE;
	memcpy(out->reason, reason, sizeof reason);
}

static const char *text_of(const struct authz_request *request, unsigned field)
{
	const char *text;

	memcpy(&text, (const char *)request + text_fields[field].offset, sizeof text);
	return text;
}

static bool is_good_fact(const struct authz_fact *fact)
{
	if (fact->name == NULL) {
		return false;
	}
	switch (fact->type) {
	case AUTHZ_FACT_ABSENT:
	case AUTHZ_FACT_INT:
	case AUTHZ_FACT_BOOL:
		return true;
	case AUTHZ_FACT_TEXT:
		return fact->text != NULL;
	case AUTHZ_FACT_SET:
		for (size_t i = 0; fact->items != NULL && i < fact->count; i++) {
			if (fact->items[i] == NULL) {
				return false;
			}
		}
		return (fact->items != NULL || fact->count == 0) && fact->count <= UINT32_MAX;
	}
	return false;
}

static bool are_good_facts(const struct authz_request *request)
{
	for (size_t i = 0; request->facts != NULL && i < request->fact_count; i++) {
		if (!is_good_fact(&request->facts[i])) {
			return false;
		}
	}
	return (request->facts != NULL || request->fact_count == 0) &&
	       request->fact_count <= UINT32_MAX;
}

int authz_question_check(const struct authz_request *shared, const struct authz_request *request)
{
	struct authz_request none = { .token = NULL };
	const struct authz_request *base = shared != NULL ? shared : &none;
	bool token = request->token != NULL || base->token != NULL;
	bool principal = request->principal != NULL || base->principal != NULL;
	bool method = request->method != NULL || base->method != NULL;
	bool path = request->path != NULL || base->path != NULL;
	bool tree = request->tree != NULL || base->tree != NULL;
	bool action = request->action != NULL || base->action != NULL;
	bool resource = request->resource != NULL || base->resource != NULL;

	if (token && principal) {
		return AUTHZ_EINVAL;
	}
	if (!(method && path && !action && !resource) &&
		!(action && resource && !method && !path && !tree)) {
		return AUTHZ_EINVAL;
	}
	if (request->mfa_at < 0 || request->time < 0 || base->mfa_at < 0 || base->time < 0) {
		return AUTHZ_EINVAL;
	}
	if (!are_good_facts(request) || !are_good_facts(base)) {
		return AUTHZ_EINVAL;
	}
	return AUTHZ_OK;
}

static void put_fact(struct wire_buf *buf, const struct authz_fact *fact)
{
	wire_put_cstr(buf, fact->name);
	switch (fact->type) {
	case AUTHZ_FACT_TEXT:
		wire_put_cstr(buf, fact->text);
		break;
	case AUTHZ_FACT_INT:
		wire_put_int(buf, fact->number);
		break;
	case AUTHZ_FACT_BOOL:
		wire_put_bool(buf, fact->number != 0);
		break;
	case AUTHZ_FACT_SET:
		wire_put_array(buf, (uint32_t)fact->count);
		for (size_t i = 0; i < fact->count; i++) {
			wire_put_cstr(buf, fact->items[i]);
		}
		break;
	case AUTHZ_FACT_ABSENT:
		wire_put_nil(buf);
		break;
	}
}

static void put_facts(struct wire_buf *buf, const struct authz_request *request)
{
	if (request->fact_count > 0) {
		wire_put_str(buf, WIRE_STR("facts"));
		wire_put_map(buf, (uint32_t)request->fact_count);
		for (size_t i = 0; i < request->fact_count; i++) {
			put_fact(buf, &request->facts[i]);
		}
	}
	if (request->ignore_undeclared) {
		wire_put_str(buf, WIRE_STR("undeclared"));
		wire_put_str(buf, WIRE_STR("ignore"));
	}
}

void authz_question_put(
	struct wire_buf *buf, const struct authz_request *request, const char *as_of, uint32_t more)
{
	uint32_t pairs = more;

	for (unsigned i = 0; i < TEXT_FIELDS; i++) {
		pairs += text_of(request, i) != NULL;
	}
	pairs += (request->mfa_at != 0) + (request->time != 0) + (request->fact_count > 0) +
		 request->ignore_undeclared + (as_of[0] != '\0');
	wire_put_map(buf, pairs);
	for (unsigned i = 0; i < TEXT_FIELDS; i++) {
		const char *text = text_of(request, i);

		if (text != NULL) {
			wire_put_str(buf, text_fields[i].name);
			wire_put_cstr(buf, text);
		}
	}
	if (request->mfa_at != 0) {
		wire_put_str(buf, WIRE_STR("mfa_at"));
		wire_put_int(buf, request->mfa_at);
	}
	if (request->time != 0) {
		wire_put_str(buf, WIRE_STR("time"));
		wire_put_int(buf, request->time);
	}
	if (as_of[0] != '\0') {
		wire_put_str(buf, WIRE_STR("as_of"));
		wire_put_cstr(buf, as_of);
	}
	put_facts(buf, request);
}

/* A truncated name could be the name of another principal. */
bool authz_copy_whole(char *out, size_t size, struct wire_str text)
{
	if (text.len >= size || !wire_is_utf8(text) ||
		(text.len > 0 && memchr(text.ptr, '\0', text.len) != NULL)) {
		return false;
	}
	if (text.len > 0) {
		memcpy(out, text.ptr, text.len);
	}
	out[text.len] = '\0';
	return true;
}

static bool read_quota(struct wire_cursor *cursor, struct authz_decision *out)
{
	uint32_t pairs;
	unsigned seen = 0;

	if (!wire_read_map(cursor, &pairs)) {
		return false;
	}
	for (uint32_t i = 0; i < pairs; i++) {
		struct wire_str name;
		int64_t *place = NULL;
		unsigned bit = 0;

		if (!wire_read_text(cursor, &name)) {
			return false;
		}
		if (wire_str_equal(name, WIRE_STR("limit"))) {
			place = &out->quota_limit;
			bit = 1;
		} else if (wire_str_equal(name, WIRE_STR("remaining"))) {
			place = &out->quota_remaining;
			bit = 2;
		} else if (wire_str_equal(name, WIRE_STR("reset"))) {
			place = &out->quota_reset;
			bit = 4;
		}
		if ((seen & bit) != 0 ||
			!(place != NULL ? wire_read_int(cursor, place) : wire_skip(cursor))) {
			return false;
		}
		seen |= bit;
	}
	out->has_quota = seen == 7;
	return out->has_quota;
}

/* Names of facts have no blank. Those that do not fit are counted. */
static bool read_missing(struct wire_cursor *cursor, struct authz_decision *out)
{
	struct wire_str name;
	size_t len = 0;
	uint32_t count;
	bool room = true;

	if (!wire_read_array(cursor, &count)) {
		return false;
	}
	for (uint32_t i = 0; i < count; i++) {
		size_t blank = len > 0 ? 1 : 0;

		if (!wire_read_text(cursor, &name)) {
			return false;
		}
		room = room && len + blank + name.len < sizeof out->missing;
		if (!room) {
			continue;
		}
		out->missing[len] = ' ';
		if (!authz_copy_whole(
			    out->missing + len + blank, sizeof out->missing - len - blank, name)) {
			return false;
		}
		len += blank + name.len;
	}
	out->missing_count = count;
	return true;
}

/* Reads the value of one field. The verdict goes to *allow: *out remains a denial until every field
 * has been read. */
static bool read_field(struct wire_cursor *cursor, enum answer_field field, bool *allow,
	struct authz_decision *out)
{
	struct wire_str text;
	int64_t number;

	switch (field) {
	case ALLOW:
		return wire_read_bool(cursor, allow);
	case STATUS:
		if (!wire_read_int(cursor, &number) || number < 100 || number > 599) {
			return false;
		}
		out->status = (int)number;
		return true;
	case RENEW:
		return wire_read_bool(cursor, &out->renew);
	case RENEW_BY:
		return wire_read_int(cursor, &out->renew_by);
	case QUOTA:
		return read_quota(cursor, out);
	case MISSING:
		return read_missing(cursor, out);
	case REASON:
	case REVISION:
	case KEY:
	case PRINCIPAL:
	case TENANT:
	case ENVIRONMENT:
		return wire_head_text(cursor, &text) &&
		       authz_copy_whole((char *)out + answer_fields[field].offset,
			       answer_fields[field].size, text);
	case ANSWER_FIELDS:
		break;
	}
	return false;
}

/* The field of that name, searched from `from` to the end and then from the beginning;
 * ANSWER_FIELDS when there is none. */
static unsigned find_field(struct wire_str name, unsigned from)
{
	for (unsigned i = 0; i < ANSWER_FIELDS; i++) {
		unsigned field = from + i < ANSWER_FIELDS ? from + i : from + i - ANSWER_FIELDS;

		if (wire_str_equal(name, answer_fields[field].name)) {
			return field;
		}
	}
	return ANSWER_FIELDS;
}

static bool read_fields(struct wire_cursor *cursor, struct authz_decision *out)
{
	const unsigned required = 1U << ALLOW | 1U << STATUS | 1U << REASON;
	unsigned seen = 0, next = 0;
	bool allow = false;
	uint32_t pairs;

	if (!wire_read_map(cursor, &pairs)) {
		return false;
	}
	for (uint32_t i = 0; i < pairs; i++) {
		struct wire_str name;
		unsigned field;

		if (!wire_head_text(cursor, &name)) {
			return false;
		}
		field = find_field(name, next);
		/* A later daemon may add fields. */
		if (field == ANSWER_FIELDS) {
			if (!wire_skip(cursor)) {
				return false;
			}
			continue;
		}
		if ((seen >> field & 1) != 0 ||
			!read_field(cursor, (enum answer_field)field, &allow, out)) {
			return false;
		}
		seen |= 1U << field;
		next = field + 1;
	}
	if ((seen & required) != required || allow != (out->status == STATUS_OK)) {
		return false;
	}
	out->verdict = allow ? AUTHZ_ALLOW : AUTHZ_DENY;
	return true;
}

int authz_question_read(struct wire_cursor value, struct authz_decision *out)
{
	authz_deny(out);
	if (!read_fields(&value, out) || out->revision[0] == '\0') {
		authz_deny(out);
		return AUTHZ_EPROTO;
	}
	return AUTHZ_OK;
}

/* Reads the results; one without a revision of its own gets that of the whole answer, and one that
 * cannot be read stays a denial. False when they are not one for each request. */
static bool read_results(
	struct wire_cursor results, const char *revision, struct authz_decision *out, size_t count)
{
	uint32_t found;

	if (!wire_read_array(&results, &found) || found != count) {
		return false;
	}
	for (size_t i = 0; i < count; i++) {
		struct wire_cursor one;

		authz_deny(&out[i]);
		if (!wire_take(&results, &one)) {
			return false;
		}
		if (!read_fields(&one, &out[i])) {
			authz_deny(&out[i]);
		} else if (out[i].revision[0] == '\0') {
			memcpy(out[i].revision, revision, sizeof out[i].revision);
		}
	}
	return true;
}

int authz_question_read_many(struct wire_cursor value, struct authz_decision *out, size_t count)
{
	struct wire_cursor results = { NULL, NULL };
	char revision[sizeof out->revision] = "";
	struct wire_str name, text;
	uint32_t pairs;
	bool good = wire_read_map(&value, &pairs);

	for (uint32_t i = 0; good && i < pairs; i++) {
		good = wire_read_text(&value, &name);
		if (good && wire_str_equal(name, WIRE_STR("revision"))) {
			good = revision[0] == '\0' && wire_read_text(&value, &text) &&
			       authz_copy_whole(revision, sizeof revision, text);
		} else if (good && wire_str_equal(name, WIRE_STR("results"))) {
			good = results.ptr == NULL && wire_take(&value, &results);
		} else if (good) {
			good = wire_skip(&value);
		}
	}
	if (good && revision[0] != '\0' && read_results(results, revision, out, count)) {
		return AUTHZ_OK;
	}
	for (size_t i = 0; i < count; i++) {
		authz_deny(&out[i]);
	}
	return AUTHZ_EPROTO;
}
