/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * token: tokens of API keys, and all that the daemon does with its own cryptographic keys. Only the
 * files of this room use libsodium.
 *
 * A token is
 *
 *     <prefix><kid>_<secret><crc>
 *
 * kid: 12 base62 characters, the first `1`; secret: 32 base62 characters, random without bias; crc:
 * CRC-32 (IEEE 802.3) of all before it, as 6 base62 characters. The length of the prefix follows
 * from that of the token.
 *
 * The store has the BLAKE2b-256 (RFC 7693) of all of the token before its crc, with the pepper as
 * key, the kid as salt and the purpose as personalization. The secrets' file has two keys of 32
 * bytes: the pepper, and a master from which all other keys are derived (crypto_kdf, a context for
 * each), so that a new pepper changes no tag of a record or a cursor. Short tags are SipHash-128
 * (Aumasson and Bernstein).
 *
 * Any thread may use the functions, except those that change peppers: these are for the writer's
 * thread.
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
 * Reads the secrets' file, or makes it if there is none and `create` is true. Its owner must be the
 * daemon's user or root, and its mode 0600 or stricter. -ENOENT: there is none; -EPERM: wrong owner
 * or mode; -EINVAL: not such a file. `why` says what is wrong and what to do.
 */
int secrets_open(const char *path, bool create, struct secrets **out, char why[static SECRET_WHY]);
/* True if the secrets' memory is locked, so that it is never written to swap. */
bool secrets_are_locked(const struct secrets *secrets);
#define SECRET_FINGERPRINT 16
/* Equal for two files with the same master, and so for the hosts of a shared store. It gives
 * nothing of the master away, and a new pepper does not change it. */
void secrets_fingerprint(const struct secrets *secrets, uint8_t out[static SECRET_FINGERPRINT]);
/* Wipes and frees. NULL is ignored. */
void secrets_close(struct secrets *secrets);

/* --- peppers ---------------------------------------------------------------------------------- */

/*
 * A rotation makes a new pepper the one in use. The former one stays valid as the old pepper until
 * it is dropped. The file has both; it is replaced as a whole, durably, before the pepper in use
 * changes. The other keys do not change. secrets_rotate and secrets_drop_old are for the writer's
 * thread; other threads may hash meanwhile.
 */

/* The number of the pepper in use: from 0, modulo 256. */
uint8_t secrets_pepper(const struct secrets *secrets);
bool secrets_have_old(const struct secrets *secrets);
/* -EBUSY: there is still an old pepper. On failure nothing changes. */
int secrets_rotate(struct secrets *secrets, char why[static SECRET_WHY]);
/* Does nothing if there is no old pepper. On failure nothing changes. */
int secrets_drop_old(struct secrets *secrets, char why[static SECRET_WHY]);

/*
 * In a shared store all hosts have the same peppers. A shared record has those that the files are
 * to have, sealed with a key of the master and the realm; each host's file follows it. A rotation
 * has three steps: a new pepper is staged, in the file and not in use; it is taken into use, with
 * the one before as the old one; the old one is dropped.
 */

#define SECRET_REALM   16
#define SECRET_PEPPERS (3 + 3 * 32 + 24 + 16) /* bytes of the record */

enum secret_step {
	SECRET_KEEP = 0, /* as they are */
	SECRET_STAGE,
	SECRET_SWITCH,
	SECRET_DROP,
};

struct secret_shared {
	uint8_t number; /* of the pepper in use */
	bool has_old;
	bool has_staged; /* its number is the next one */
};

bool secrets_have_staged(const struct secrets *secrets);
/* What a record says. False: it was altered, or is another realm's. */
bool secrets_read_shared(const struct secrets *secrets, const uint8_t realm[static SECRET_REALM],
	struct pol_str sealed, struct secret_shared *out);
/* The record after a step, from the record before it, or from the file if that is empty. The file
 * does not change. -EBUSY: the step cannot follow; -EBADMSG. */
int secrets_plan(const struct secrets *secrets, const uint8_t realm[static SECRET_REALM],
	struct pol_str sealed, enum secret_step step, uint8_t out[static SECRET_PEPPERS]);
/* Makes the file, and then what is in use, what the record says. The writer's thread. 0: it is so;
 * 1: it changed; negative errno: nothing changed, and `why` says why. */
int secrets_follow(struct secrets *secrets, const uint8_t realm[static SECRET_REALM],
	struct pol_str sealed, char why[static SECRET_WHY]);
/* Has the file the record's pepper in use, or a later one, as a file has that was copied after the
 * record was made? */
bool secrets_have_shared(const struct secrets *secrets, const uint8_t realm[static SECRET_REALM],
	struct pol_str sealed);

/* --- tokens ----------------------------------------------------------------------------------- */

/* Views into the text of the token. */
struct secret_token {
	struct pol_str whole;
	struct pol_str prefix; /* with its final underscore */
	struct pol_str kid;
	struct pol_str signed_part; /* all before the crc: this is hashed */
};

/* Removes a leading `Bearer `, in any case, and splits the token by its length alone: its
 * characters are not checked. False: it is too short or too long. */
bool secret_token_split(struct pol_str text, struct secret_token *out);
/* True if the token's characters and its crc are right. */
bool secret_token_is_sound(const struct secret_token *token);

/* Makes a token of a new key, with a random kid, in `out`, which the caller wipes later. The prefix
 * has at most SECRET_MAX_PREFIX bytes. */
void secret_token_make(
	struct pol_str prefix, char out[static SECRET_MAX_TOKEN], struct secret_token *out_token);

/* Makes another token of the key with this kid. */
void secret_token_renew(struct pol_str prefix, struct pol_str kid,
	char out[static SECRET_MAX_TOKEN], struct secret_token *out_token);

/* The hash that the store has of a token. `old`: with the pepper before the one in use, which is
 * valid only while secrets_have_old is true. */
void secret_token_hash(const struct secrets *secrets, const struct secret_token *token, bool old,
	uint8_t out[static SECRET_HASH]);

/* CRC-32 (IEEE 802.3). */
uint32_t secret_crc32(struct pol_str bytes);

/* --- imported tokens: made by another program ------------------------------------------------- */

#define SECRET_DIGEST 32

/* The text without a leading `Bearer `, in any case. */
struct pol_str secret_token_bare(struct pol_str text);

/* SHA-256 (FIPS 180-4) of a token. An import gives this, not the token. */
void secret_digest(struct pol_str token, uint8_t out[static SECRET_DIGEST]);

/* The hash that the store has of a digest: BLAKE2b-256 with the pepper as key and another purpose
 * than secret_token_hash, so that neither is valid as the other. */
void secret_import_hash(const struct secrets *secrets, const uint8_t digest[static SECRET_DIGEST],
	bool old, uint8_t out[static SECRET_HASH]);

/* --- tags ------------------------------------------------------------------------------------- */

enum secret_purpose {
	SECRET_RECORDS = 0, /* records of the store */
	SECRET_CURSORS,     /* cursors of lists */
	SECRET_DEAD,        /* hashes of replaced secrets */
	SECRET_USED,        /* names of permissions that keys used */
	SECRET_VERIFIED,    /* the table of verified tokens: a random key for each process */
	SECRET_CHARGED,     /* the counters of quotas: a random key for each process */
	SECRET_PURPOSES,
};

/* SipHash-128 of the bytes with the purpose's key. */
void secret_tag(const struct secrets *secrets, enum secret_purpose purpose, const void *bytes,
	size_t len, uint8_t out[static SECRET_TAG]);

/* --- the audit trail -------------------------------------------------------------------------- */

#define SECRET_CHAIN 32

/* What a tag of a chain is for. A tag for one purpose is not valid for another. */
enum secret_link {
	SECRET_TRAIL = 0, /* an entry of the trail */
	SECRET_HEAD,      /* the trail's head */
	SECRET_BACKUP,    /* a piece of a store's copy */
	SECRET_LAST_GOOD, /* the policy that is kept for a broken folder */
	SECRET_FEEDS,     /* the data files that are kept for a restart */
	SECRET_LOG,       /* a row of the log of a shared store */
	SECRET_PLACE,     /* the place in that log of a snapshot */
	SECRET_PAYLOAD,   /* the payload of such a row */
};

/* BLAKE2b-256 of the tag before and the bytes, with a key for chains only. */
void secret_chain(const struct secrets *secrets, enum secret_link link,
	const uint8_t before[static SECRET_CHAIN], struct pol_str bytes,
	uint8_t out[static SECRET_CHAIN]);

/* --- seal.c: fingerprints and encryption ------------------------------------------------------ */

/* BLAKE2b-256 of many pieces, with the key of seals and a purpose of its own, to compare two
 * requests. The pieces are hashed as one text, so add the length of a piece of variable length
 * before it. secret_mix_end wipes the state; wipe it with secret_wipe if that is not called. */
struct secret_mix {
	alignas(64) uint8_t state[384];
};
void secret_mix_begin(const struct secrets *secrets, struct secret_mix *mix);
void secret_mix_add(struct secret_mix *mix, const void *bytes, size_t len);
void secret_mix_end(struct secret_mix *mix, uint8_t out[static SECRET_HASH]);

/* How many bytes sealing adds. */
#define SECRET_SEAL (24 + 16)

/* Encrypts and authenticates (XSalsa20-Poly1305) with a key that is derived from the key of seals
 * and from `known`. The store does not have `known`, so that it alone does not give the bytes away:
 * secret_open needs the same. `out` has room for len + SECRET_SEAL bytes. */
void secret_seal(const struct secrets *secrets, struct pol_str known, const void *bytes, size_t len,
	uint8_t *out);
/* `out` has room for len - SECRET_SEAL bytes. False: it was altered, or sealed with another
 * `known`.
 */
bool secret_open(const struct secrets *secrets, struct pol_str known, const uint8_t *sealed,
	size_t len, void *out);

void secret_random(void *bytes, size_t len);
/* Compares in constant time. */
bool secret_equal(const void *a, const void *b, size_t len);
void secret_wipe(void *bytes, size_t len);
