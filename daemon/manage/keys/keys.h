/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * keys: what the files of this noun share. keys.c has the table of methods, look-ups, enable,
 * disable, revoke and list; range.c walks the keys of one tenant or of all; altered.c has what is
 * left to do with altered records; audit.c, create.c, delete.c, import.c, rotate.c and update.c
 * have the other methods; limits.c has the limits of the policy.
 */

#include <stdint.h>

#include "daemon/call/call.h"
#include "daemon/manage/list.h"
#include "daemon/store/env.h"

int keys_create(struct call *call);
int keys_update(struct call *call);
int keys_import(struct call *call);
int keys_audit(struct call *call);

enum { KEYS_CREATE_FIELDS = 14, KEYS_UPDATE_FIELDS = 7 };

extern const struct wire_field keys_create_fields[KEYS_CREATE_FIELDS];
extern const struct wire_field keys_update_fields[KEYS_UPDATE_FIELDS];

enum { KEYS_IMPORT_FIELDS = 14, KEYS_AUDIT_FIELDS = 8 };
extern const struct wire_field keys_audit_fields[KEYS_AUDIT_FIELDS];
extern const struct wire_field keys_import_fields[KEYS_IMPORT_FIELDS];

/* Finds a key by its id. 0; 1: not_found is written; or a negative errno. A deleted key, or one of
 * a tenant that the caller may not see, is not found. */
int keys_find(struct call *call, const struct wire_value *id, struct store_key *out);
/* The same, with deleted keys. */
int keys_find_any(struct call *call, const struct wire_value *id, struct store_key *out);

/* Checks that the caller may do the action on the key of parameter `id`, and finds it. 0; 1:
 * forbidden or not_found is written; or a negative errno. */
int keys_open(struct call *call, const char *action, struct store_key *out);

/* Answers with the record. 0 or a negative errno. */
int keys_answer(struct call *call, const struct store_key *key);

/* The keys that a list is about: those of a tenant, or of all tenants (0), and of any principal or
 * of those with one id. */
struct keys_range {
	uint32_t tenant;
	struct pol_str principal; /* empty: any */
};

/* Reads the parameters. 0; 1: refused, the error is written; or a negative errno. */
int keys_range(struct call *call, const struct wire_value *tenant,
	const struct wire_value *principal, struct keys_range *out);

/* Calls `seen` for each key after the list's cursor, tenant by tenant in order of creation. `seen`
 * ends the walk with a value other than 0, which is returned, and gives list_visited keys_cursor.
 */
int keys_walk(
	struct list *list, const struct keys_range *range, store_key_seen seen, void *context);
#define KEYS_CURSOR 16
struct pol_str keys_cursor(
	const struct keys_range *range, const struct store_key *key, char out[static KEYS_CURSOR]);

int keys_delete(struct call *call);
int keys_restore(struct call *call);
int keys_purge(struct call *call);
/* Answers with the id of a key that is gone. */
int keys_answer_purged(struct call *call, const char kid[static STORE_KID]);

/* Was the record altered, and is the caller a peer, who may know it? */
bool keys_is_altered(struct call *call, const struct wire_value *id);
/* The methods get, revoke and purge for such a key. */
int keys_answer_altered(struct call *call, const struct wire_value *id);
int keys_revoke_altered(struct call *call, const struct wire_value *id);
int keys_purge_altered(struct call *call, const struct wire_value *id);
/* Fills a list that was begun with all altered keys, and ends it. */
int keys_list_altered(struct list *list);

/* Neither revoked nor expired: active, or can become so again. */
bool keys_is_live(const struct store_key *key, int64_t now);

/* Does the policy allow the principal this key beside its others? `key` itself is not counted
 * twice. 0, also for a key without a principal; 1: limit_reached is written with the ids of the
 * others; or a negative errno. */
int keys_check_count(struct call *call, const struct store_key *key);

/* Does the policy allow the principal `own` secrets of this key beside those of its other keys?
 * Returns as keys_check_count does. */
int keys_check_secrets(struct call *call, const struct store_key *key, unsigned own);

/* Is there no key of an earlier principal of that id, which the files declared? 0; 1: conflict is
 * written with the ids of the keys that are not revoked; or a negative errno. */
int keys_check_no_keys(struct call *call, uint32_t tenant, struct pol_str principal);

/* Does the key's schedule end before the year 10000? 0; 1: refused, the error is written. */
int keys_check_schedule(struct call *call, const struct store_key *key);

/* Does the policy allow the key's expiry? 0; 1: refused, the error names `param`. */
int keys_check_lifetime(struct call *call, const struct store_key *key, const char *param);
