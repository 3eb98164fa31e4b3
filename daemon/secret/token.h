/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * secret: tokens, and all that is done with keys of our own. The only file that knows libsodium.
 *
 *     <prefix><kid>_<secret><crc>
 *
 * kid: 12 base62 characters, the first `1`; secret: 32, drawn without modulo bias; crc: CRC-32
 * (IEEE 802.3) of all before it, 6 base62 characters. Parsed from the right end.
 *
 * At rest a token is BLAKE2b-256 (RFC 7693) of all before its crc; key the pepper, salt the kid,
 * personal the purpose. The pepper's file holds two keys of 32 bytes: the pepper itself, and a
 * master from which the others are derived (crypto_kdf, a context each), so that a new pepper
 * leaves records and cursors alone. Short tags are SipHash-128 (Aumasson and Bernstein).
 *
 * Objects are read-only after opening: any thread.
 */

#include <stdalign.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "policy/text/str.h"

#define SECRET_KID        12
#define SECRET_HASH       32
#define SECRET_TAG        16
#define SECRET_MAX_PREFIX 64
/* prefix, kid, underscore, secret, crc */
#define SECRET_MAX_TOKEN (SECRET_MAX_PREFIX + 12 + 1 + 32 + 6)

struct secrets;

#define SECRET_WHY 512

/*
 * Reads the secrets' file, or makes it when there is none and `create` says so: mode 0600, owned
 * by us or root, nobody else may read it. -ENOENT: there is none; -EPERM: owner or mode; -EINVAL:
 * its content; `why` is for people. The pages are locked; failing that is logged once.
 */
int secrets_open(const char *path, bool create, struct secrets **out, char why[static SECRET_WHY]);
/* Did the host lock the pages? */
bool secrets_are_locked(const struct secrets *secrets);
/* Wipes. NULL is ignored. */
void secrets_close(struct secrets *secrets);

/* --- peppers -----------------------------------------------------------------------------------
 */

/*
 * A new pepper takes the place of the one in use, which stays good as the old one until it is
 * dropped. Both stand in the file, which is replaced whole and made durable before anything else
 * changes. All else that is derived stays. The writer's thread; others go on reading meanwhile.
 */

/* The number of the pepper in use: 0 at first, modulo 256. */
uint8_t secrets_pepper(const struct secrets *secrets);
bool secrets_have_old(const struct secrets *secrets);
/* -EBUSY: there is an old one still. Else what the file's writing gave, and nothing changed. */
int secrets_rotate(struct secrets *secrets, char why[static SECRET_WHY]);
int secrets_drop_old(struct secrets *secrets, char why[static SECRET_WHY]);

/* --- tokens ----------------------------------------------------------------------------------- */

/* Views into what was parsed. */
struct secret_token {
	struct pol_str whole;
	struct pol_str prefix; /* with its final underscore */
	struct pol_str kid;
	struct pol_str signed_part; /* all before the crc: what is hashed */
};

/* Cuts a leading `Bearer `, in any case, then takes the token apart by its length and looks at
 * nothing else: it is worth an attempt to recognise it, no more. false: it is malformed. */
bool secret_token_split(struct pol_str text, struct secret_token *out);
/* The rest of what makes a token one: alphabet and crc. */
bool secret_token_is_sound(const struct secret_token *token);
/* Both. */
bool secret_token_parse(struct pol_str text, struct secret_token *out);

/* A new one: `out` holds it, out_len bytes, to be wiped by the caller. kid lies in it, behind the
 * prefix. The prefix must fit. */
void secret_token_make(
	struct pol_str prefix, char out[static SECRET_MAX_TOKEN], struct secret_token *out_token);

/* Another one of the same key: as above, but with this kid. */
void secret_token_renew(struct pol_str prefix, struct pol_str kid,
	char out[static SECRET_MAX_TOKEN], struct secret_token *out_token);

/* `old`: under the pepper before the one in use; of use only while secrets_have_old. */
void secret_token_hash(const struct secrets *secrets, const struct secret_token *token, bool old,
	uint8_t out[static SECRET_HASH]);

/* --- tokens made elsewhere ---------------------------------------------------------------------
 */

#define SECRET_DIGEST 32

/* The text without a leading `Bearer `, in any case. */
struct pol_str secret_token_bare(struct pol_str text);

/* SHA-256 (FIPS 180-4) of a token: what whoever made it can tell of it. */
void secret_digest(struct pol_str token, uint8_t out[static SECRET_DIGEST]);

/* What is kept of a digest, and looked up: BLAKE2b-256 under the pepper, of a purpose of its own,
 * so that it is no hash of a token of ours. */
void secret_import_hash(const struct secrets *secrets, const uint8_t digest[static SECRET_DIGEST],
	bool old, uint8_t out[static SECRET_HASH]);

/* --- tags ------------------------------------------------------------------------------------- */

enum secret_purpose {
	SECRET_RECORDS = 0, /* of the store */
	SECRET_CURSORS,     /* of lists */
	SECRET_DEAD,        /* of hashes of secrets that are dead */
	SECRET_USED,        /* names of permissions that keys used */
	SECRET_VERIFIED,    /* the table of verified tokens: random, of this process alone */
	SECRET_CHARGED,     /* the counters of quotas: likewise */
	SECRET_PURPOSES,
};

/* SipHash-128 of the bytes under the purpose's key. */
void secret_tag(const struct secrets *secrets, enum secret_purpose purpose, const void *bytes,
	size_t len, uint8_t out[static SECRET_TAG]);

/* Takes the secret, and the crc, out of all in the text that looks like a token, `…` in their
 * place; returns the new length, which is no more. For what people typed where it does not belong.
 */
size_t secret_redact(char *text, size_t len);

/* --- the audit trail -------------------------------------------------------------------------- */

#define SECRET_CHAIN 32

/* What a chain tag is for; a tag of one is none of the other. */
enum secret_link {
	SECRET_TRAIL = 0, /* a record of the trail, over the tag before it */
	SECRET_HEAD,      /* the trail's head, outside the store */
	SECRET_BACKUP,    /* a piece of a store's copy, over the tag before it */
};

/* BLAKE2b-256 of the tag before and the bytes, under a key of the trail's own. */
void secret_chain(const struct secrets *secrets, enum secret_link link,
	const uint8_t before[static SECRET_CHAIN], struct pol_str bytes,
	uint8_t out[static SECRET_CHAIN]);

/* --- sealing: secret_seal.c ---------------------------------------------------------------------
 */

/* BLAKE2b-256 of many pieces under a key of its own: to tell whether two were the same. Pieces run
 * together, so each that varies goes with its length. Forget it with secret_wipe. */
struct secret_mix {
	alignas(64) uint8_t state[384];
};
void secret_mix_begin(const struct secrets *secrets, struct secret_mix *mix);
void secret_mix_add(struct secret_mix *mix, const void *bytes, size_t len);
void secret_mix_end(struct secret_mix *mix, uint8_t out[static SECRET_HASH]);

/* How much longer what is sealed is. */
#define SECRET_SEAL (24 + 16)

/* Encrypts and authenticates (XSalsa20-Poly1305) under a key that is derived from our own and from
 * `known`, which whoever opens it must bring again: without it the store gives nothing away. out
 * takes len + SECRET_SEAL bytes. */
void secret_seal(const struct secrets *secrets, struct pol_str known, const void *bytes, size_t len,
	uint8_t *out);
/* out takes len - SECRET_SEAL bytes. false: it was sealed otherwise. */
bool secret_open(const struct secrets *secrets, struct pol_str known, const uint8_t *sealed,
	size_t len, void *out);

void secret_random(void *bytes, size_t len);
/* Constant time. */
bool secret_equal(const void *a, const void *b, size_t len);
void secret_wipe(void *bytes, size_t len);
