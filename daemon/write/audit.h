/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * audit: the trail's record of each change.
 *
 * One record for each change, in the change's own transaction: sequence, time, author (uid, pid and
 * actor), action (the method's name), target, old and new values, the tag of the record that the
 * change made, and a keyed tag over all this and the tag before (store/trail.c). So a handler in
 * manage/ puts no record by itself, it calls
 *
 *     audit_create_key, audit_update_key, audit_remove_key
 *     audit_put_principal, audit_delete_principal
 *         put the record and its entry; the entry's fields are what differs from the stored
 *         record. A new field of a record needs a line in audit_note.c.
 *     audit_enter
 *         for records of another kind: call it directly after the put (or the deletion), before the
 *         next one; and for changes that touch no record, such as the exchange of a policy.
 *
 * A forgotten entry is found: the store counts each put of a record (store_write_owe, in the
 * store's function that puts it), and the writer undoes a job that owes an entry, with -EPROTO,
 * which is answered as `internal` and logged. Use, counters, indexes and what serves retries owe
 * nothing.
 *
 * The trail holds no secret: hashes have no line in audit_note.c, values are cut at AUDIT_MAX_VALUE
 * bytes, and text that looks like a token loses its secret.
 *
 * Writer's thread only. 0 or a negative errno, those of the store's puts included.
 */

#include <stdint.h>

#include "daemon/share/row.h"
#include "daemon/store/env.h"
#include "policy/text/str.h"

struct peer;
struct writer_turn;

/* `principal:` and an id, or `uid:4294967295@` and the name of a host. */
#define AUDIT_ACTOR (16 + STORE_MAX_NAME)
_Static_assert(SHARE_HOST <= STORE_MAX_NAME, "the name of a host has room");

/* A change under way: its transaction, its author and its action. */
struct audit_change {
	struct store_read *read; /* sees the batch so far */
	struct store_write *write;
	int64_t now;             /* Unix seconds */
	uint32_t uid, pid;       /* of the peer; 0: the daemon itself */
	char actor[AUDIT_ACTOR]; /* `uid:1000`, in a shared store `uid:1000@HOST`; `key:KID`,
				    `principal:ID`, `daemon` */
	const char *action;      /* a method's name, or one of the daemon's own */
};

/* By the peer, or by the daemon itself (NULL). */
struct audit_change audit_change_of(
	const struct writer_turn *turn, const struct peer *peer, const char *action);

int audit_create_key(const struct audit_change *change, struct store_key *key);
int audit_update_key(const struct audit_change *change, const struct store_key *key);
/* Removes the record, and all that leads to it. */
int audit_remove_key(const struct audit_change *change, struct pol_str kid);
/* The same for a record that was altered; tenant: as the trail knows it, or 0. */
int audit_remove_altered_key(
	const struct audit_change *change, const char kid[static STORE_KID], uint32_t tenant);

/* The record's views may lie in the map: they are dead afterwards. */
int audit_put_principal(const struct audit_change *change, const struct store_principal *principal);
int audit_delete_principal(const struct audit_change *change, uint32_t tenant, struct pol_str id);

/* --- any other change ------------------------------------------------------------------------- */

#define AUDIT_MAX_VALUE  256  /* bytes of a value; the rest is `…` */
#define AUDIT_MAX_FIELDS 8192 /* bytes of all of them; what does not fit is left out */

/* From what to what. */
struct audit_note {
	uint8_t bytes[AUDIT_MAX_FIELDS];
	struct store_pack pack;
};

void audit_note_init(struct audit_note *note);
/* Adds a field unless both values are the same. An empty one is one that was, or is, not there. */
void audit_note_text(
	struct audit_note *note, const char *name, struct pol_str from, struct pol_str to);
void audit_note_number(struct audit_note *note, const char *name, int64_t from, int64_t to);
/* Written with commas. */
void audit_note_list(
	struct audit_note *note, const char *name, struct store_list from, struct store_list to);

/* What differs between two records; NULL: there is none. */
void audit_note_key(
	struct audit_note *note, const struct store_key *from, const struct store_key *to);
void audit_note_principal(struct audit_note *note, const struct store_principal *from,
	const struct store_principal *to);

struct audit_entry {
	enum store_audit_kind kind;
	uint32_t tenant;       /* of the target; 0: none */
	struct pol_str target; /* its id */
	uint32_t flags;        /* of enum store_audit_flag */
	const struct audit_note *note;
};

int audit_enter(const struct audit_change *change, const struct audit_entry *entry);

/* Enters an alarm. In a shared store nothing if the trail has one with this action and target that
 * is less than AUDIT_ALARM_SECONDS old, from any host. */
#define AUDIT_ALARM_SECONDS 3600
int audit_alarm(const struct audit_change *change, const struct audit_entry *entry);

/* Enters that altered records were refused, once an hour at most; nothing when none was. */
int audit_altered(const struct audit_change *change, struct store *store);
