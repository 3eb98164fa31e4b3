/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/manage/retry.h"

#include <errno.h>
#include <string.h>

#include "daemon/decide/subject.h"
#include "daemon/manage/record.h"
#include "daemon/store/env.h"
#include "daemon/write/audit.h"

static bool is_id(struct wire_str text)
{
	for (size_t i = 0; i < text.len; i++) {
		char c = text.ptr[i];

		if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'))) {
			return false;
		}
	}
	return text.len == RETRY_ID;
}

/* --- the fingerprint -------------------------------------------------------------------------- */

static void add_number(struct secret_mix *mix, uint64_t number)
{
	secret_mix_add(mix, &number, sizeof number);
}

static void add_bytes(struct secret_mix *mix, const void *bytes, size_t len)
{
	add_number(mix, len);
	secret_mix_add(mix, bytes, len);
}

static void add_value(struct secret_mix *mix, enum wire_kind kind, const struct wire_value *value)
{
	add_number(mix, (value->given ? 1u : 0u) | (value->nil ? 2u : 0u));
	if (!value->given || value->nil) {
		return;
	}
	switch (kind) {
	case WIRE_KIND_TEXT:
	case WIRE_KIND_BYTES:
		add_bytes(mix, value->text.ptr, value->text.len);
		break;
	case WIRE_KIND_BOOL:
		add_number(mix, value->boolean);
		break;
	case WIRE_KIND_INT:
	case WIRE_KIND_TIME:
	case WIRE_KIND_DURATION:
		add_number(mix, (uint64_t)value->integer);
		break;
	case WIRE_KIND_TEXTS:
	case WIRE_KIND_MAPS:
	case WIRE_KIND_TEXT_MAP:
	case WIRE_KIND_MAP:
		add_number(mix, value->count);
		add_bytes(mix, value->items.ptr, (size_t)(value->items.end - value->items.ptr));
		break;
	case WIRE_KIND_NONE:
		break;
	}
}

static void take_fingerprint(
	struct call *call, uint32_t field, struct pol_str actor, uint8_t out[static SECRET_HASH])
{
	const struct method *method = call->method;
	struct secret_mix mix;

	secret_mix_begin(store_secrets(call->context->store), &mix);
	add_bytes(&mix, method->name, strlen(method->name));
	add_bytes(&mix, actor.ptr, actor.len);
	for (uint32_t i = 0; i < method->field_count; i++) {
		if (i != field) {
			add_value(&mix, method->fields[i].kind, &call->params[i]);
		}
	}
	secret_mix_end(&mix, out);
}

static void hash_id(struct call *call, struct wire_str id, uint8_t out[static SECRET_HASH])
{
	struct secret_mix mix;

	secret_mix_begin(store_secrets(call->context->store), &mix);
	secret_mix_add(&mix, id.ptr, id.len);
	secret_mix_end(&mix, out);
}

/* --- the answer ------------------------------------------------------------------------------- */

static int answer_again(
	struct call *call, const struct retry *retry, const struct store_retry *found)
{
	struct pol_str known = { retry->known, retry->known_len };
	char token[SECRET_MAX_TOKEN];
	size_t len = found->sealed_len - SECRET_SEAL;
	struct store_key key;
	int r = store_get_key(call->read, found->kid, &key);

	if (r < 0 && r != -ENOENT && r != -EBADMSG) {
		return r;
	}
	if (r < 0 || !secret_equal(key.tag, found->made, STORE_TAG)) {
		return call_error(call, "conflict",
			"the key of this request_id was changed since, so its secret is not "
			"shown again: rotate the key, or create another");
	}
	if (found->sealed_len < SECRET_SEAL || len > sizeof token ||
		!secret_open(store_secrets(call->context->store), known, found->sealed,
			found->sealed_len, token)) {
		return -EBADMSG;
	}
	wire_put_result(call->out, call->id);
	r = record_encode_key(call, &key, (struct pol_str){ token, len });
	secret_wipe(token, sizeof token);
	return r < 0 ? r : 1;
}

int retry_begin(struct call *call, uint32_t field, struct pol_str actor, struct retry *out)
{
	const struct wire_value *value = &call->params[field];
	struct store_retry found;
	int r;

	out->given = value->given;
	if (!value->given) {
		return 0;
	}
	if (!is_id(value->text) || actor.len > RETRY_MAX_ACTOR) {
		return call_invalid(call, "request_id",
			"must be %d hex digits, drawn at random for this request", RETRY_ID);
	}
	memcpy(out->known, value->text.ptr, RETRY_ID);
	memcpy(out->known + RETRY_ID, actor.ptr, actor.len);
	out->known_len = RETRY_ID + actor.len;
	hash_id(call, value->text, out->id);
	take_fingerprint(call, field, actor, out->fingerprint);
	r = store_get_retry(call->read, out->id, &found);
	if (r == -ENOENT || r == -EBADMSG) {
		return 0;
	}
	if (r < 0) {
		return r;
	}
	if (call->now - found.at > STORE_RETRY_SECONDS) {
		return 0;
	}
	if (!secret_equal(found.fingerprint, out->fingerprint, SECRET_HASH)) {
		return call_error(call, "conflict",
			"this request_id was used for another request: draw a new one for each");
	}
	return answer_again(call, out, &found);
}

int retry_end(
	struct call *call, const struct retry *retry, struct pol_str kid, struct pol_str token)
{
	uint8_t sealed[SECRET_MAX_TOKEN + SECRET_SEAL], made[STORE_TAG];
	struct pol_str known = { retry->known, retry->known_len };
	struct store_retry entry = {
		.id = retry->id,
		.fingerprint = retry->fingerprint,
		.made = made,
		.kid = kid,
		.at = call->now,
		.sealed = sealed,
		.sealed_len = token.len + SECRET_SEAL,
	};
	struct store_key key;
	int r;

	if (!retry->given) {
		return 0;
	}
	r = store_get_key(call->read, kid, &key);
	if (r < 0) {
		return r;
	}
	memcpy(made, key.tag, sizeof made);
	secret_seal(store_secrets(call->context->store), known, token.ptr, token.len, sealed);
	return store_put_retry(call->change->write, &entry);
}
