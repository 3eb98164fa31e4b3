/* SPDX-License-Identifier: Apache-2.0 */
/* keys.import: keys for tokens that other software made, by their SHA-256. */
#include <errno.h>
#include <string.h>

#include "daemon/decide/subject.h"
#include "daemon/manage/keys/create.h"
#include "daemon/manage/keys/keys.h"
#include "daemon/manage/policy.h"
#include "daemon/manage/record.h"

/* Those from SHARED on are those of keys.create, in the same order. */
enum { HASH = 0, DRY_RUN, SHARED };

const struct wire_field keys_import_fields[KEYS_IMPORT_FIELDS] = {
	[HASH] = WIRE_FIELD("hash", WIRE_KIND_TEXT, WIRE_REQUIRED),
	[DRY_RUN] = WIRE_FIELD("dry_run", WIRE_KIND_BOOL, 0),
	WIRE_FIELD("name", WIRE_KIND_TEXT, 0),
	WIRE_FIELD("label", WIRE_KIND_TEXT, 0),
	WIRE_FIELD("principal", WIRE_KIND_TEXT, 0),
	WIRE_FIELD("roles", WIRE_KIND_TEXTS, 0),
	WIRE_FIELD("scopes", WIRE_KIND_TEXTS, 0),
	WIRE_FIELD("at", WIRE_KIND_TEXTS, 0),
	WIRE_FIELD("tenant", WIRE_KIND_TEXT, 0),
	WIRE_FIELD("environment", WIRE_KIND_TEXT, 0),
	WIRE_FIELD("expires_in", WIRE_KIND_DURATION, 0),
	WIRE_FIELD("expires_at", WIRE_KIND_TIME, 0),
	WIRE_FIELD("not_before", WIRE_KIND_TIME, 0),
	WIRE_FIELD("networks", WIRE_KIND_TEXTS, 0),
};

static int hex_value(char c)
{
	if (c >= '0' && c <= '9') {
		return c - '0';
	}
	c = (char)(c | 0x20);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Both alphabets of RFC 4648. */
static int base64_value(char c)
{
	if (c >= 'A' && c <= 'Z') {
		return c - 'A';
	}
	if (c >= 'a' && c <= 'z') {
		return c - 'a' + 26;
	}
	if (c >= '0' && c <= '9') {
		return c - '0' + 52;
	}
	if (c == '+' || c == '-') {
		return 62;
	}
	return c == '/' || c == '_' ? 63 : -1;
}

static bool read_hex(struct wire_str text, uint8_t out[static SECRET_DIGEST])
{
	for (size_t i = 0; i < SECRET_DIGEST; i++) {
		int high = hex_value(text.ptr[2 * i]), low = hex_value(text.ptr[2 * i + 1]);

		if (high < 0 || low < 0) {
			return false;
		}
		out[i] = (uint8_t)(high * 16 + low);
	}
	return true;
}

static bool read_base64(struct wire_str text, uint8_t out[static SECRET_DIGEST])
{
	uint32_t bits = 0;
	unsigned held = 0;
	size_t used = 0;

	if (text.len == 44 && text.ptr[43] == '=') {
		text.len = 43;
	}
	if (text.len != 43) {
		return false;
	}
	for (size_t i = 0; i < text.len; i++) {
		int value = base64_value(text.ptr[i]);

		if (value < 0) {
			return false;
		}
		bits = bits << 6 | (uint32_t)value;
		held += 6;
		if (held >= 8) {
			held -= 8;
			out[used++] = (uint8_t)(bits >> held);
		}
	}
	/* Bits that are left over must be 0: otherwise it is another spelling of the same. */
	return (bits & ((1u << held) - 1)) == 0;
}

static int read_hash(struct call *call, uint8_t out[static SECRET_DIGEST])
{
	struct wire_str text = call->params[HASH].text;

	if (text.len == (size_t)2 * SECRET_DIGEST ? read_hex(text, out) : read_base64(text, out)) {
		return 0;
	}
	return call_invalid(
		call, "hash", "is no SHA-256: write its 32 bytes as 64 hex digits or as base64");
}

/* A token must belong to one key. */
static int check_owner(struct call *call, const uint8_t *hash)
{
	struct store_key owner;
	int r = store_get_key_by_hash(call->read, hash, &owner);

	if (r == -ENOENT) {
		return 0;
	}
	if (r == 0 || r == -EBADMSG) {
		return call_error(
			call, "conflict", "this token belongs, or belonged, to another key");
	}
	return r;
}

/* The key's id is drawn as for a new key; the secret that is drawn with it is ignored. */
static int save(struct call *call, struct new_key *new_key)
{
	int r = keys_draw_id(call, new_key);

	if (r == 0) {
		new_key->key.flags |= STORE_KEY_IMPORTED;
		r = keys_save_new(call, new_key);
	}
	if (r < 0) {
		return r;
	}
	wire_put_result(call->out, call->id);
	return record_encode_key(call, &new_key->key, (struct pol_str){ NULL, 0 });
}

int keys_import(struct call *call)
{
	const struct wire_value *params = call->params;
	struct wire_value shared[KEYS_CREATE_FIELDS] = { 0 };
	const struct secrets *secrets = store_secrets(call->context->store);
	struct new_key new_key;
	uint8_t digest[SECRET_DIGEST];
	int r;

	memset(&new_key.key, 0, sizeof new_key.key);
	r = policy_admit(call);
	if (r != 0) {
		return r;
	}
	memcpy(shared, params + SHARED, (KEYS_IMPORT_FIELDS - SHARED) * sizeof shared[0]);
	r = read_hash(call, digest);
	if (r == 0) {
		call->params = shared;
		r = keys_check_new(call, &new_key);
		call->params = params;
	}
	if (r == 0) {
		secret_import_hash(secrets, digest, true, new_key.hash);
		r = secrets_have_old(secrets) ? check_owner(call, new_key.hash) : 0;
	}
	if (r == 0) {
		secret_import_hash(secrets, digest, false, new_key.hash);
		r = check_owner(call, new_key.hash);
	}
	if (r != 0) {
		return r;
	}
	r = save(call, &new_key);
	secret_wipe(new_key.token, sizeof new_key.token);
	/* 1: the record is the answer, and what was stored is undone. */
	return r == 0 && params[DRY_RUN].given && params[DRY_RUN].boolean ? 1 : r;
}
