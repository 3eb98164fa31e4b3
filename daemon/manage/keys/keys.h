/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * keys: what the files of this noun share: keys.c (the table, look-ups, switches), keys_create.c,
 * keys_update.c, keys_limits.c.
 */

#include <stdint.h>

#include "daemon/call/call.h"
#include "daemon/store/env.h"

int keys_create(struct call *call);
int keys_update(struct call *call);
int keys_import(struct call *call);
int keys_audit(struct call *call);

enum { KEYS_CREATE_FIELDS = 14, KEYS_UPDATE_FIELDS = 7 };

extern const struct wire_field keys_create_fields[KEYS_CREATE_FIELDS];
extern const struct wire_field keys_update_fields[KEYS_UPDATE_FIELDS];

enum { KEYS_IMPORT_FIELDS = 13, KEYS_AUDIT_FIELDS = 7 };
extern const struct wire_field keys_audit_fields[KEYS_AUDIT_FIELDS];
extern const struct wire_field keys_import_fields[KEYS_IMPORT_FIELDS];

/* 0; 1: not_found is written; negative errno. A key that was deleted is not found. */
int keys_find(struct call *call, const struct wire_value *id, struct store_key *out);
/* Those too. */
int keys_find_any(struct call *call, const struct wire_value *id, struct store_key *out);

/* What `id` names, for who may do this to it. 0; 1: forbidden or not_found is written; negative
 * errno. */
int keys_open(struct call *call, const char *action, struct store_key *out);

/* The record as the answer. */
int keys_answer(struct call *call, const struct store_key *key);

int keys_delete(struct call *call);
int keys_restore(struct call *call);
int keys_purge(struct call *call);

/* Is the key active, or may it become so again? */
bool keys_is_live(const struct store_key *key, int64_t now);

/* May this principal have the key alive, beside those that it has? `key` itself is not counted
 * twice. 0; 1: limit_reached is written, with the ids in the way; negative errno. */
int keys_check_count(struct call *call, const struct store_key *key);

/* May the key's principal have so many secrets of this key, beside those of its others? Likewise,
 * but a key without a principal may. */
int keys_check_secrets(struct call *call, const struct store_key *key, unsigned own);

/* Is nothing left of another principal of that id, that the files declared once? 0; 1: conflict is
 * written, with the ids of keys that are not revoked; negative errno. */
int keys_check_no_keys(struct call *call, uint32_t tenant, struct pol_str principal);

/* Is the first day of its schedule one that the calendar has? 0 or 1 or negative errno. */
int keys_check_schedule(struct call *call, const struct store_key *key);

/* Does the policy allow this life? `param` is to blame. 0 or 1 or negative errno. */
int keys_check_lifetime(struct call *call, const struct store_key *key, const char *param);
