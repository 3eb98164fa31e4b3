/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/share/row.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "daemon/secret/token.h"
#include "daemon/share/log.h"
#include "daemon/store/bytes.h"

_Static_assert(SHARE_TAG == SECRET_CHAIN, "a row's tag is one of a chain");

/* What is sealed: the revision's length, the revision, the changes. */
#define REVISION_LENGTH 2

/* The first 8 bytes of the tag are a place's. */
#define PLACE_TAG ((size_t)8)

/* --- the tag ---------------------------------------------------------------------------------- */

/* Columns of fixed size in a row as bytes. */
static uint8_t *put_columns(uint8_t *at, const struct share_row *row)
{
	store_put64(at, row->sequence);
	at[8] = (uint8_t)row->host.len;
	memset(at + 9, 0, SHARE_HOST);
	memcpy(at + 9, row->host.ptr, row->host.len);
	at += 9 + SHARE_HOST;
	memcpy(at, row->nonce, SHARE_NONCE);
	at += SHARE_NONCE;
	store_put64(at, (uint64_t)row->at);
	store_put32(at + 8, row->format);
	store_put32(at + 12, row->asks);
	store_put32(at + 16, row->payload.len);
	return at + 20;
}

#define COLUMNS (SHARE_ROW_FIXED - SHARE_TAG)

static void tag_of(const struct secrets *secrets, const struct share_head *before,
	const struct share_row *row, uint8_t out[SHARE_TAG])
{
	uint8_t bytes[SHARE_REALM + 8 + COLUMNS];
	uint8_t payload[SECRET_CHAIN];

	memcpy(bytes, before->realm, SHARE_REALM);
	store_put64(bytes + SHARE_REALM, before->epoch);
	put_columns(bytes + SHARE_REALM + 8, row);
	secret_chain(secrets, SECRET_PAYLOAD, before->tag, row->payload, payload);
	secret_chain(secrets, SECRET_LOG, payload,
		(struct pol_str){ (const char *)bytes, sizeof bytes }, out);
}

static bool has_sizes(const struct share_row *row)
{
	return row->host.len > 0 && row->host.len <= SHARE_HOST &&
	       row->payload.len >= SECRET_SEAL + REVISION_LENGTH &&
	       row->payload.len <= SHARE_MAX_PAYLOAD;
}

/* --- making and reading ----------------------------------------------------------------------- */

size_t share_row_size(const struct share_content *content)
{
	return SECRET_SEAL + REVISION_LENGTH + content->revision.len + content->changes.len;
}

static struct pol_str realm_of(const struct share_head *head)
{
	return (struct pol_str){ (const char *)head->realm, SHARE_REALM };
}

/* An empty text may be NULL. */
static void put_text(uint8_t *at, struct pol_str text)
{
	if (text.len > 0) {
		memcpy(at, text.ptr, text.len);
	}
}

int share_row_make(const struct secrets *secrets, const struct share_head *before,
	const struct share_content *content, uint8_t *out, struct share_row *row)
{
	size_t size = share_row_size(content);
	uint8_t *plain = out + SECRET_SEAL;

	if (size > SHARE_MAX_PAYLOAD || content->revision.len > UINT16_MAX) {
		return -E2BIG;
	}
	store_put16(plain, content->revision.len);
	put_text(plain + REVISION_LENGTH, content->revision);
	put_text(plain + REVISION_LENGTH + content->revision.len, content->changes);
	/* It is sealed where it is: libsodium moves what overlaps. */
	secret_seal(secrets, realm_of(before), plain, size - SECRET_SEAL, out);
	row->sequence = before->sequence + 1;
	row->format = before->format;
	row->payload = (struct pol_str){ (const char *)out, size };
	secret_random(row->nonce, SHARE_NONCE);
	assert(has_sizes(row));
	tag_of(secrets, before, row, row->tag);
	return 0;
}

int share_row_check(
	const struct secrets *secrets, const struct share_head *before, const struct share_row *row)
{
	uint8_t tag[SHARE_TAG];

	if (!has_sizes(row) || row->sequence != before->sequence + 1) {
		return -EBADMSG;
	}
	tag_of(secrets, before, row, tag);
	if (!secret_equal(tag, row->tag, SHARE_TAG)) {
		return -EBADMSG;
	}
	return row->format <= SHARE_FORMAT ? 0 : -EPROTONOSUPPORT;
}

int share_row_open(const struct secrets *secrets, const struct share_head *before,
	const struct share_row *row, uint8_t *out, struct share_content *content)
{
	size_t size = row->payload.len, length;

	if (size < SECRET_SEAL + REVISION_LENGTH ||
		!secret_open(
			secrets, realm_of(before), (const uint8_t *)row->payload.ptr, size, out)) {
		return -EBADMSG;
	}
	size -= SECRET_SEAL + REVISION_LENGTH;
	length = store_get16(out);
	if (length > size) {
		return -EBADMSG;
	}
	out += REVISION_LENGTH;
	content->revision = (struct pol_str){ (const char *)out, length };
	content->changes = (struct pol_str){ (const char *)out + length, size - length };
	return 0;
}

/* --- as bytes --------------------------------------------------------------------------------- */

size_t share_row_encode(const struct share_row *row, uint8_t *out)
{
	uint8_t *at = put_columns(out, row);

	memcpy(at, row->tag, SHARE_TAG);
	memcpy(at + SHARE_TAG, row->payload.ptr, row->payload.len);
	return SHARE_ROW_FIXED + row->payload.len;
}

bool share_row_decode(struct pol_str bytes, struct share_row *out)
{
	const uint8_t *at = (const uint8_t *)bytes.ptr;
	struct share_row row = { .sequence = 0 };
	uint8_t columns[COLUMNS];

	if (bytes.len < SHARE_ROW_FIXED || bytes.len - SHARE_ROW_FIXED > SHARE_MAX_PAYLOAD) {
		return false;
	}
	row.sequence = store_get64(at);
	row.host = (struct pol_str){ (const char *)at + 9, at[8] };
	at += 9 + SHARE_HOST;
	memcpy(row.nonce, at, SHARE_NONCE);
	at += SHARE_NONCE;
	row.at = store_get_time(at);
	row.format = store_get32(at + 8);
	row.asks = store_get32(at + 12);
	memcpy(row.tag, at + 20, SHARE_TAG);
	row.payload = (struct pol_str){ bytes.ptr + SHARE_ROW_FIXED, bytes.len - SHARE_ROW_FIXED };
	if (store_get32(at + 16) != row.payload.len || !has_sizes(&row)) {
		return false;
	}
	/* What follows a short name is zeroes. */
	put_columns(columns, &row);
	if (memcmp(columns, bytes.ptr, COLUMNS) != 0) {
		return false;
	}
	*out = row;
	return true;
}

/* --- places ----------------------------------------------------------------------------------- */

void share_place_format(uint64_t sequence, const uint8_t tag[SHARE_TAG], char out[SHARE_PLACE_TEXT])
{
	static const char digits[] = "0123456789abcdef";
	char *at = out + snprintf(out, SHARE_PLACE_TEXT, "%" PRIu64 "-", sequence);

	for (size_t i = 0; i < PLACE_TAG; i++) {
		*at++ = digits[tag[i] >> 4];
		*at++ = digits[tag[i] & 15];
	}
	*at = '\0';
}

/* Decimal digits without a leading zero, up to a `-`. */
static bool parse_sequence(struct pol_str *text, uint64_t *out)
{
	uint64_t value = 0;
	size_t i = 0;

	for (; i < text->len && text->ptr[i] >= '0' && text->ptr[i] <= '9'; i++) {
		uint64_t digit = (uint64_t)(text->ptr[i] - '0');

		if (value > (UINT64_MAX - digit) / 10 || (i == 1 && value == 0)) {
			return false;
		}
		value = value * 10 + digit;
	}
	if (i == 0 || i == text->len || text->ptr[i] != '-') {
		return false;
	}
	*text = (struct pol_str){ text->ptr + i + 1, text->len - i - 1 };
	*out = value;
	return true;
}

static int digit_of(char c)
{
	if (c >= '0' && c <= '9') {
		return c - '0';
	}
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool share_place_parse(struct pol_str text, uint64_t *out_sequence, uint8_t out_tag[8])
{
	uint8_t tag[PLACE_TAG];
	uint64_t sequence;

	if (!parse_sequence(&text, &sequence) || text.len != 2 * PLACE_TAG) {
		return false;
	}
	for (size_t i = 0; i < PLACE_TAG; i++) {
		int high = digit_of(text.ptr[2 * i]), low = digit_of(text.ptr[2 * i + 1]);

		if (high < 0 || low < 0) {
			return false;
		}
		tag[i] = (uint8_t)(high << 4 | low);
	}
	memcpy(out_tag, tag, PLACE_TAG);
	*out_sequence = sequence;
	return true;
}
