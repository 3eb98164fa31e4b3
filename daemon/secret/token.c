/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/secret/token.h"

#include <sodium.h>
#include <string.h>
#include <strings.h>

#include "daemon/secret/token_internal.h"

#define SECRET_PART 32
#define CRC_PART    6
#define RANDOM_KID  11
/* kid, underscore, secret, crc */
#define FIXED_PART (SECRET_KID + 1 + SECRET_PART + CRC_PART)

static const char base62[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/* BLAKE2b's salt and personal are 16 bytes each; the kid fills 12 of the salt. */
static const uint8_t personal[crypto_generichash_blake2b_PERSONALBYTES] = "authzd token v1";
static const uint8_t import[crypto_generichash_blake2b_PERSONALBYTES] = "authzd import v1";

static void put_crc(uint32_t crc, char out[CRC_PART])
{
	for (size_t i = CRC_PART; i > 0; i--) {
		out[i - 1] = base62[crc % 62];
		crc /= 62;
	}
}

/* letters: one bit for each character, set for letters and digits, so that the loop has no
 * branches.
 */
static bool is_base62(const char *text, size_t len)
{
	static const uint64_t letters[4] = { UINT64_C(0x03ff000000000000),
		UINT64_C(0x07fffffe07fffffe), 0, 0 };
	uint64_t all = 1;

	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)text[i];

		all &= letters[c >> 6] >> (c & 63);
	}
	return all != 0;
}

static bool is_prefix(struct pol_str prefix)
{
	for (size_t i = 0; i < prefix.len; i++) {
		if (prefix.ptr[i] == '_') {
			if (i == 0 || prefix.ptr[i - 1] == '_') {
				return false;
			}
		} else if (!is_base62(prefix.ptr + i, 1)) {
			return false;
		}
	}
	return prefix.len > 0 && prefix.ptr[prefix.len - 1] == '_';
}

struct pol_str secret_token_bare(struct pol_str text)
{
	if (text.len > 7 && strncasecmp(text.ptr, "Bearer ", 7) == 0) {
		text.ptr += 7;
		text.len -= 7;
	}
	return text;
}

bool secret_token_split(struct pol_str text, struct secret_token *out)
{
	size_t prefix;

	text = secret_token_bare(text);
	if (text.len <= FIXED_PART || text.len > SECRET_MAX_TOKEN) {
		return false;
	}
	prefix = text.len - FIXED_PART;
	out->whole = text;
	out->prefix = (struct pol_str){ text.ptr, prefix };
	out->kid = (struct pol_str){ text.ptr + prefix, SECRET_KID };
	out->signed_part = (struct pol_str){ text.ptr, text.len - CRC_PART };
	return true;
}

bool secret_token_is_sound(const struct secret_token *token)
{
	const char *kid = token->kid.ptr;
	char crc[CRC_PART];

	if (!is_prefix(token->prefix) || kid[0] != '1' || !is_base62(kid, SECRET_KID) ||
		kid[SECRET_KID] != '_' ||
		!is_base62(kid + SECRET_KID + 1, SECRET_PART + CRC_PART)) {
		return false;
	}
	put_crc(secret_crc32(token->signed_part), crc);
	return memcmp(crc, kid + SECRET_KID + 1 + SECRET_PART, CRC_PART) == 0;
}

/* Bytes from 248, the largest multiple of 62 that fits a byte, are drawn again, so that all
 * characters have the same chance. */
static void draw(char *out, size_t count)
{
	unsigned char bytes[64];
	size_t left = 0;

	while (count > 0) {
		if (left == 0) {
			randombytes_buf(bytes, sizeof bytes);
			left = sizeof bytes;
		}
		left--;
		if (bytes[left] < 248) {
			*out++ = base62[bytes[left] % 62];
			count--;
		}
	}
	sodium_memzero(bytes, sizeof bytes);
}

/* Writes all of the token except the kid, which is in `out` already. */
static void complete(
	struct pol_str prefix, char out[static SECRET_MAX_TOKEN], struct secret_token *out_token)
{
	char *kid = out + prefix.len;
	size_t before_crc = prefix.len + FIXED_PART - CRC_PART;

	memcpy(out, prefix.ptr, prefix.len);
	kid[SECRET_KID] = '_';
	draw(kid + SECRET_KID + 1, SECRET_PART);
	*out_token = (struct secret_token){
		.whole = { out, prefix.len + FIXED_PART },
		.prefix = { out, prefix.len },
		.kid = { kid, SECRET_KID },
		.signed_part = { out, before_crc },
	};
	put_crc(secret_crc32(out_token->signed_part), out + before_crc);
}

void secret_token_make(
	struct pol_str prefix, char out[static SECRET_MAX_TOKEN], struct secret_token *out_token)
{
	out[prefix.len] = '1';
	draw(out + prefix.len + 1, RANDOM_KID);
	complete(prefix, out, out_token);
}

void secret_token_renew(struct pol_str prefix, struct pol_str kid,
	char out[static SECRET_MAX_TOKEN], struct secret_token *out_token)
{
	memcpy(out + prefix.len, kid.ptr, SECRET_KID);
	complete(prefix, out, out_token);
}

void secret_token_hash(const struct secrets *secrets, const struct secret_token *token, bool old,
	uint8_t out[static SECRET_HASH])
{
	uint8_t salt[crypto_generichash_blake2b_SALTBYTES] = { 0 };

	memcpy(salt, token->kid.ptr, SECRET_KID);
	/* It fails only for lengths out of range; these are constants. */
	crypto_generichash_blake2b_salt_personal(out, SECRET_HASH,
		(const uint8_t *)token->signed_part.ptr, token->signed_part.len,
		secret_pepper_of(secrets, old), SECRET_KEY, salt, personal);
}

void secret_digest(struct pol_str token, uint8_t out[static SECRET_DIGEST])
{
	crypto_hash_sha256(out, (const uint8_t *)token.ptr, token.len);
}

void secret_import_hash(const struct secrets *secrets, const uint8_t digest[static SECRET_DIGEST],
	bool old, uint8_t out[static SECRET_HASH])
{
	static const uint8_t salt[crypto_generichash_blake2b_SALTBYTES] = { 0 };

	crypto_generichash_blake2b_salt_personal(out, SECRET_HASH, digest, SECRET_DIGEST,
		secret_pepper_of(secrets, old), SECRET_KEY, salt, import);
}

void secret_tag(const struct secrets *secrets, enum secret_purpose purpose, const void *bytes,
	size_t len, uint8_t out[static SECRET_TAG])
{
	crypto_shorthash_siphashx24(out, bytes, len, secrets->tags[purpose]);
}

void secret_chain(const struct secrets *secrets, enum secret_link link,
	const uint8_t before[static SECRET_CHAIN], struct pol_str bytes,
	uint8_t out[static SECRET_CHAIN])
{
	static const uint8_t links[][crypto_generichash_blake2b_PERSONALBYTES] = {
		[SECRET_TRAIL] = "authzd trail v1",
		[SECRET_HEAD] = "authzd head v1",
		[SECRET_BACKUP] = "authzd copy v1",
		[SECRET_LAST_GOOD] = "authzd good v1",
		[SECRET_FEEDS] = "authzd feeds v1",
		[SECRET_LOG] = "authzd log v1",
		[SECRET_PLACE] = "authzd place v1",
		[SECRET_PAYLOAD] = "authzd load v1",
	};
	static const uint8_t salt[crypto_generichash_blake2b_SALTBYTES] = { 0 };
	/* The type has the alignment that libsodium needs, 64 bytes. */
	crypto_generichash_blake2b_state state;

	crypto_generichash_blake2b_init_salt_personal(
		&state, secrets->chain, SECRET_KEY, SECRET_CHAIN, salt, links[link]);
	crypto_generichash_blake2b_update(&state, before, SECRET_CHAIN);
	crypto_generichash_blake2b_update(&state, (const uint8_t *)bytes.ptr, bytes.len);
	crypto_generichash_blake2b_final(&state, out, SECRET_CHAIN);
	sodium_memzero(&state, sizeof state);
}

void secret_random(void *bytes, size_t len)
{
	randombytes_buf(bytes, len);
}

bool secret_equal(const void *a, const void *b, size_t len)
{
	return sodium_memcmp(a, b, len) == 0;
}

void secret_wipe(void *bytes, size_t len)
{
	sodium_memzero(bytes, len);
}
