/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * record_key: keys as the store keeps them, their secrets and schedules included. What record.h
 * says about views and lists holds here too.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/store/record.h"
#include "policy/text/str.h"

struct secrets;

#define STORE_KID 12
#define STORE_NETWORK                                                                              \
	17 /* bytes of a network: 16 of the address, 1 for the length of the prefix                \
	    */

enum store_key_flag {
	STORE_KEY_DISABLED = 1 << 0,
	STORE_KEY_REVOKED = 1 << 1,
	STORE_KEY_HAS_SCOPES = 1 << 2, /* the key is limited to its scopes, even if it has none */
	STORE_KEY_HAS_PLACES = 1 << 3, /* the same for places */
	/* The current secret is an imported token, of which only the SHA-256 is known. A rotation
	 * gives the key a token of our own; the imported one becomes its other secret. */
	STORE_KEY_IMPORTED = 1 << 4,
	STORE_KEY_OTHER_IMPORTED = 1 << 5,
	/* Bits 16 to 23 and 24 to 31: the number of the pepper that each secret was hashed with. */
	STORE_KEY_PEPPER = 16,
	STORE_KEY_OTHER_PEPPER = 24,
};

/* What a key's other secret is. After other_until it is invalid, though still in the record. */
enum store_other {
	STORE_OTHER_NONE = 0,
	STORE_OTHER_RETIRING, /* was the current one; valid until other_until */
	STORE_OTHER_PENDING,  /* becomes the current one at its first use; dropped at other_until */
};

/* How many replaced secrets a key remembers, so that a client that missed some rotations is
 * answered otherwise than one with a wrong secret. */
#define STORE_DEAD_TAGS 4

/*
 * A key's secrets except the current one's hash, and its schedule. Times are Unix seconds. A key
 * that has had one secret and has no schedule has zeroes here, with generation and issued 1; its
 * record does not hold this part. When a key is written, generation and issued 0 mean 1.
 */
struct store_rotation {
	uint8_t other; /* enum store_other */
	uint8_t dead_count;
	uint32_t generation; /* of the current secret, from 1 */
	uint32_t other_generation;
	uint32_t issued;           /* secrets made so far: the next has this generation + 1 */
	const uint8_t *other_hash; /* STORE_HASH bytes; NULL: there is no other */
	const uint8_t *dead;       /* dead_count tags of STORE_TAG bytes, the newest first */
	int64_t other_until;
	int64_t other_overlap;  /* of a pending one: seconds for which the current one then retires
				 */
	int64_t other_since;    /* retiring: when it became current; pending: when it was made */
	int64_t other_renew_by; /* of a retiring one: renew_by while it was current */
	int64_t secret_since;   /* when the current one became so; 0: when the key was created */
	int64_t rotate_every;   /* seconds; 0: no schedule, and the next two are 0 */
	int64_t next_rotation_at;
	int64_t renew_by; /* the current secret is invalid after this time */
	/* Which callers received the secrets: each as in created_by, and a space between two. After
	 * a key follow a slash and its principal, if it has one. Empty: the creator did. */
	struct pol_str received_by;
	struct pol_str other_received_by;
};

struct store_key {
	struct pol_str kid; /* STORE_KID bytes */
	uint64_t number;    /* from 1, in order of creation; never used again */
	uint32_t tenant;
	uint32_t flags;
	uint32_t changes; /* since its creation: no two versions of a record are equal */
	uint8_t binding;  /* enum pol_binding */
	int64_t created_at;
	int64_t not_before;  /* 0: at once */
	int64_t expires_at;  /* 0: never */
	int64_t revoked_at;  /* 0: not revoked */
	int64_t deleted_at;  /* 0: not deleted */
	const uint8_t *hash; /* STORE_HASH bytes: of the current secret */
	const uint8_t *tag;  /* STORE_TAG bytes: the record's; NULL for a key that was not read */
	struct pol_str prefix;
	struct pol_str environment;
	struct pol_str principal;
	struct store_list roles;
	struct store_list scopes;
	struct store_list places;
	const uint8_t *networks; /* network_count times STORE_NETWORK bytes */
	uint32_t network_count;
	struct pol_str name;
	struct pol_str label;
	struct pol_str created_by;
	struct store_rotation rotation;
};

/* `which`: STORE_KEY_PEPPER or STORE_KEY_OTHER_PEPPER. */
static inline uint8_t store_key_pepper(const struct store_key *key, unsigned which)
{
	return (uint8_t)(key->flags >> which);
}

static inline void store_key_set_pepper(struct store_key *key, unsigned which, uint8_t number)
{
	key->flags = (key->flags & ~(UINT32_C(0xff) << which)) | (uint32_t)number << which;
}

/* --- look-ups --------------------------------------------------------------------------------- */

int store_get_key(struct store_read *read, struct pol_str kid, struct store_key *out);

/*
 * The same without a look at the tag, which takes as long as the record is: for a secret that may
 * be wrong, so that the time of a refusal does not depend on the record. What such a record says
 * may refuse, but nothing may be allowed by it before store_check_key has returned 0.
 */
struct store_unchecked {
	const void *bytes;
	size_t size;
};
int store_peek_key(struct store_read *read, struct pol_str kid, struct store_key *out,
	struct store_unchecked *out_record);
int store_peek_key_by_hash(struct store_read *read, const uint8_t hash[static STORE_HASH],
	struct store_key *out, struct store_unchecked *out_record);
/* -EBADMSG: the record was altered. */
int store_check_key(
	struct store_read *read, const struct store_key *key, const struct store_unchecked *record);

/* Gets the key that has or had the imported token with this hash. The caller compares the hash with
 * the record, because the index has no tag. -ENOENT. */
int store_get_key_by_hash(
	struct store_read *read, const uint8_t hash[static STORE_HASH], struct store_key *out);

/* Copies the kid of the key that was deleted first, if that was not after `until`. -ENOENT. */
int store_find_deleted(struct store_read *read, int64_t until, char out_kid[static STORE_KID]);

typedef int (*store_key_seen)(void *context, const struct store_key *key);
/* Lists the keys of a tenant, or of one principal if that is not empty, with numbers above `after`,
 * by number, which is the order of creation. */
int store_list_keys(struct store_read *read, uint32_t tenant, struct pol_str principal,
	uint64_t after, store_key_seen seen, void *context);

/* Lists the keys of a principal that are not revoked, by number. */
int store_list_unrevoked(struct store_read *read, uint32_t tenant, struct pol_str principal,
	store_key_seen seen, void *context);

/* The keys whose secret cannot be verified, because the secrets' file has no pepper of that number:
 * a pepper was rotated, and then store or file was replaced by an older copy. */
struct store_lost {
	uint64_t keys;  /* all of them that are not revoked */
	uint64_t lost;  /* those of them that cannot be verified */
	uint8_t pepper; /* the number that one of the lost ones needs; undefined if there is none */
};
/* Counts the key, unless it is revoked: then it needs no pepper. */
void store_lost_add(
	struct store_lost *lost, const struct secrets *secrets, const struct store_key *key);
/* Counts all keys. */
int store_count_lost(struct store_read *read, struct store_lost *out);

/* Lists the keys of all tenants with kids after `after` (empty: from the first), by kid. */
int store_walk_keys(
	struct store_read *read, struct pol_str after, store_key_seen seen, void *context);

typedef int (*store_altered_seen)(void *context, struct pol_str kid, bool altered);
/* Shows the id of each key after `after`, by id, and whether its record was altered. The id of an
 * altered one may be any bytes. */
int store_walk_altered(
	struct store_read *read, struct pol_str after, store_altered_seen seen, void *context);

/* --- changes: in the writer's thread only ----------------------------------------------------- */

/* Sets key->number. -EEXIST: the kid is taken. */
int store_create_key(struct store_write *write, struct store_key *key);
/* Replaces the record. Its number, tenant and principal must be those that are stored: they are in
 * indexes, which this does not change. */
int store_update_key(struct store_write *write, const struct store_key *key);
/* Deletes the record, its use and its entries in indexes. -ENOENT. */
int store_remove_key(struct store_write *write, struct pol_str kid);
/* The same for an altered record. It need not say which entries of indexes are its own: an entry
 * that stays leads to no key. -ENOENT. */
int store_remove_altered_key(struct store_write *write, const char kid[static STORE_KID]);
/* Deletes the index's entry for the hash of an imported token, if there is one. */
int store_drop_import(struct store_write *write, const uint8_t hash[static STORE_HASH]);
