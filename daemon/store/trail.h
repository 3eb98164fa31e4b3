/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * trail: the audit trail in the store: a chain of records, each tagged over the one before it.
 * daemon/write/audit.h makes the entries. Also: verification, of the trail and of the records that
 * it is about.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/store/record.h"
#include "policy/text/str.h"

struct store;
struct store_read;
struct store_write;

#define STORE_CHAIN 32 /* bytes of a tag of the chain */

/* What an entry of the trail is about. The values are on disk: never change them. */
enum store_audit_kind {
	STORE_AUDIT_NONE = 0,
	STORE_AUDIT_KEY = 'k',
	STORE_AUDIT_PRINCIPAL = 'p',
	STORE_AUDIT_ROLE = 'r',
	STORE_AUDIT_TENANT = 't',
	STORE_AUDIT_POLICY = 'f', /* the policy's files */
	STORE_AUDIT_STORE = 's',  /* the store itself */
	STORE_AUDIT_ALARM = 'a',  /* about a key */
};

enum store_audit_flag {
	STORE_AUDIT_MADE = 1 << 0,    /* the change wrote a record, whose tag is `made` */
	STORE_AUDIT_REMOVED = 1 << 1, /* the change deleted the record */
};

struct store_audit {
	uint64_t sequence; /* from 1, without gaps */
	int64_t time;
	int64_t latest; /* the largest time up to this entry: unlike `time` it never falls */
	uint32_t uid;   /* of the peer */
	uint32_t pid;
	uint32_t tenant; /* of the target; 0: none */
	uint8_t kind;    /* enum store_audit_kind */
	uint8_t flags;
	const uint8_t *made; /* STORE_TAG bytes: tag of the record that the change wrote */
	const uint8_t
		*before;    /* STORE_CHAIN bytes: tag of the entry before; zeroes for the first */
	const uint8_t *tag; /* STORE_CHAIN bytes: of this entry */
	struct pol_str actor;
	struct pol_str action;
	struct pol_str target;
	struct store_list fields; /* name, old value, new value, name, old value … */
};

/* Where the trail ends. */
struct store_head {
	uint64_t count; /* the sequence of the last entry; 0: there is none */
	uint8_t tag[STORE_CHAIN];
};

/* Gets one entry. -ENOENT, -EBADMSG. */
int store_get_audit(struct store_read *read, uint64_t sequence, struct store_audit *out);
/* Gives zeroes for an empty trail. */
int store_get_head(struct store_read *read, struct store_head *out);
/* The trail's count as its head file has it. To compare with a reader, ask before the reader is
 * renewed. Any thread. */
uint64_t store_head_count(const struct store *store);

/* A single store whose trail lacks the entry that its head names is refused when it is opened. A
 * shared one is opened, since the log may have what follows: it is judged when its trail gets
 * there, and nothing may be allowed before. */
enum store_head_state {
	STORE_HEAD_FINE = 0,
	STORE_HEAD_AHEAD, /* the trail has not come to the head's entry */
	STORE_HEAD_OTHER, /* it has another entry there */
};
enum store_head_state store_head_state(const struct store *store); /* any thread */

/* Selects entries by one of target, actor or tenant: the first of these that is set. The caller
 * compares the others. */
struct store_audit_filter {
	enum store_audit_kind kind; /* of `target`; STORE_AUDIT_NONE: any target */
	uint32_t tenant;            /* 0: any */
	struct pol_str target;
	struct pol_str actor;
	bool backwards; /* the latest first */
};
typedef int (*store_audit_seen)(void *context, const struct store_audit *audit);
/* Lists entries by sequence, beginning with `from`. Altered ones are left out, and the alarm is
 * logged. */
int store_list_audit(struct store_read *read, const struct store_audit_filter *filter,
	uint64_t from, store_audit_seen seen, void *context);
/* Finds the first entry that was written at or after a time; the trail's count + 1 if there is
 * none. */
int store_find_audit(struct store_read *read, int64_t since, uint64_t *out_sequence);

/*
 * Appends an entry. Sets its sequence, latest, before and tag, and, with STORE_AUDIT_MADE, made.
 * Each put or delete of a key, tenant, role or principal needs one entry with STORE_AUDIT_MADE or
 * STORE_AUDIT_REMOVED, before the next put. -EPROTO: not exactly one such change waits for its
 * entry; or, for an entry without those flags, one waits.
 */
int store_append_audit(struct store_write *write, const struct store_audit *audit);

/* --- verification ----------------------------------------------------------------------------- */

/* What verification found wrong. */
enum store_problem_what {
	STORE_AUDIT_EDITED = 0, /* an entry does not match its tag */
	STORE_AUDIT_MISSING,    /* the entries from `sequence` to `last` are missing */
	STORE_AUDIT_REORDERED,  /* at `sequence` is the entry that was written as `last` */
	STORE_AUDIT_SPLICED,    /* the entry does not follow the one before: of another trail */
	STORE_AUDIT_CUT,        /* the entries from `sequence` to `last`, at the end, are missing */
	STORE_AUDIT_UNLISTED,   /* an index, by actor, tenant or target, lacks the entry */
	STORE_RECORD_EDITED,    /* a record does not match its tag, or has another record's key */
	STORE_RECORD_REPLACED,  /* it matches, but is not the one of the trail's last entry: old */
	STORE_RECORD_UNKNOWN,   /* the trail has no entry for it */
	STORE_RECORD_REMOVED,   /* by the trail the record exists, but it does not */
	STORE_RECORD_UNLISTED,  /* the record is right, but an index lacks it */
};

struct store_problem {
	enum store_problem_what what;
	uint64_t sequence; /* in the trail; 0: none */
	uint64_t last;
	uint8_t kind; /* of the record, enum store_audit_kind */
	uint32_t tenant;
	struct pol_str target; /* as in the file: any bytes */
};

#define STORE_VERIFY_PLACE 160

/* How far verification has come. Zeroes: at its beginning. */
struct store_verify {
	uint8_t place[STORE_VERIFY_PLACE];
	size_t place_len;
	uint64_t checked; /* records and entries so far */
};
typedef void (*store_problem_seen)(void *context, const struct store_problem *problem);
/* Checks the next `most` records and entries. head_count: from store_head_count. 1: all are
 * checked; 0: there are more. */
int store_verify(struct store_read *read, struct store_verify *verify, uint32_t most,
	uint64_t head_count, store_problem_seen seen, void *context);
