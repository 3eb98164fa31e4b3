/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * record: tenants, principals, roles, the use of keys and retries as the store keeps them. Keys
 * have record_key.h.
 *
 * The get and list functions give views: txn.h says how long they are valid. The list functions
 * call `seen` for each record; it returns 0 to go on, and any other value to end the list, which
 * then returns that value. Altered records are left out.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "policy/text/str.h"

struct store;
struct store_read;
struct store_write;

/* Limits, so that a record takes a few pages at most. */
#define STORE_MAX_NAME  128  /* ids, names of roles and scopes, as in the policy language */
#define STORE_MAX_TEXT  256  /* names and labels that people type */
#define STORE_MAX_PLACE 1024 /* one place */
/* Roles, scopes, places or networks of a key; places of one assignment. */
#define STORE_MAX_LIST        64
#define STORE_MAX_ASSIGNMENTS 64  /* of one principal */
#define STORE_MAX_PLACES      512 /* of all assignments of one principal */
#define STORE_MAX_RECORD      65536
/* A role's record, with the names of all its permissions. A piece of a copy must hold it. */
#define STORE_MAX_ROLE (192 * 1024)

#define STORE_HASH 32
#define STORE_TAG  16

/* --- lists of texts --------------------------------------------------------------------------- */

/* A list of texts as it is in a record. store_list_next consumes it: work on a copy. */
struct store_list {
	const uint8_t *ptr;
	uint32_t size;
	uint32_t count;
};
bool store_list_next(struct store_list *list, struct pol_str *out);

/* Builds a list in memory of the caller. */
struct store_pack {
	uint8_t *bytes;
	uint32_t size;
	uint32_t cap;
	uint32_t count;
};
/* False if there is no room. */
bool store_pack_add(struct store_pack *pack, struct pol_str text);
struct store_list store_pack_list(const struct store_pack *pack);

/*
 * An item of a list of roles is the name of a role of the policy files; or, for a stored role, its
 * name, a NUL and its number. Returns the name; *out_number is 0 for a role of the files.
 */
struct pol_str store_role_split(struct pol_str item, uint64_t *out_number);
/* Adds such an item. False if there is no room. */
bool store_role_add(struct store_pack *pack, struct pol_str name, uint64_t number);
#define STORE_ROLE_EXTRA 9 /* bytes after the name of a stored role */

/* --- tenants ---------------------------------------------------------------------------------- */

/* The number of the tenant `default`, which always exists and is never disabled. It has no record.
 * No tenant has the number 0. */
#define STORE_TENANT_DEFAULT 1

enum store_tenant_flag {
	STORE_TENANT_DISABLED = 1 << 0,
};

struct store_tenant {
	uint32_t number;
	uint32_t flags;
	int64_t created_at;
	struct pol_str name;
	struct pol_str created_by;
};

int store_get_tenant(struct store_read *read, uint32_t number, struct store_tenant *out);
int store_find_tenant(struct store_read *read, struct pol_str name, struct store_tenant *out);
typedef int (*store_tenant_seen)(void *context, const struct store_tenant *tenant);
/* Lists the tenants with numbers above `after`, by number, which is the order of creation. */
int store_list_tenants(
	struct store_read *read, uint32_t after, store_tenant_seen seen, void *context);

/* Sets tenant->number. -EEXIST: the name is taken. */
int store_create_tenant(struct store_write *write, struct store_tenant *tenant);
int store_update_tenant(struct store_write *write, const struct store_tenant *tenant);

/* --- roles ------------------------------------------------------------------------------------ */

/* A stored role: one that was made over the socket, not by the policy files. */
struct store_role {
	uint32_t tenant;
	uint64_t number; /* from 1, never used again: a later role of this name has another one */
	int64_t created_at;
	int64_t updated_at;
	struct pol_str name;
	struct pol_str description;
	struct pol_str created_by;
	struct store_list inherits; /* items as in store_role_split */
	struct store_list grants;   /* as the caller wrote them */
	struct store_list lines;    /* what the grants selected then: policy/snapshot/stored.h */
};

int store_get_role(
	struct store_read *read, uint32_t tenant, struct pol_str name, struct store_role *out);
typedef int (*store_role_seen)(void *context, const struct store_role *role);
/* Lists a tenant's roles with names after `after`, by name. */
int store_list_roles(struct store_read *read, uint32_t tenant, struct pol_str after,
	store_role_seen seen, void *context);

/* Takes the number of a new role. */
int store_take_role_number(struct store_write *write, uint64_t *out);
/* Creates or replaces a role. -E2BIG: it has too many permissions. */
int store_put_role(struct store_write *write, const struct store_role *role);
int store_delete_role(struct store_write *write, uint32_t tenant, struct pol_str name);

/* --- principals ------------------------------------------------------------------------------- */

enum store_principal_flag {
	STORE_PRINCIPAL_DISABLED = 1 << 0,
	STORE_PRINCIPAL_NO_API = 1 << 1,  /* api_access is off */
	STORE_PRINCIPAL_SERVICE = 1 << 2, /* a service; without it, a user */
};

struct store_principal {
	struct pol_str id;
	uint32_t tenant;
	uint32_t flags;
	int64_t created_at;
	struct pol_str name;
	struct pol_str created_by;
	struct store_list attributes;  /* name, value, name, value … */
	struct store_list assignments; /* each a packed one: store_assignment_next */
};

struct store_assignment {
	struct pol_str role;      /* its name */
	uint64_t stored;          /* the number of a stored role; 0: a role of the files */
	struct store_list places; /* sorted; none: everywhere */
	int64_t until;            /* 0: without end */
	int64_t created_at;
	struct pol_str created_by;
};

/* Not found under the ids of store_everyone_id. */
int store_get_principal(
	struct store_read *read, uint32_t tenant, struct pol_str id, struct store_principal *out);
/* The principal's flags, without a look at the record's tag: they may refuse, but not allow. */
int store_peek_principal(
	struct store_read *read, uint32_t tenant, struct pol_str id, uint32_t *out_flags);
/* Takes the next one of principal->assignments. False at the end. */
bool store_assignment_next(struct store_list *assignments, struct store_assignment *out);
/* Adds an assignment to a pack of them. False if there is no room. */
bool store_assignment_add(struct store_pack *pack, const struct store_assignment *assignment);

/* The record that an entry of the trail about a principal means: one of every principal or every
 * caller too. */
int store_get_holder(
	struct store_read *read, uint32_t tenant, struct pol_str id, struct store_principal *out);

typedef int (*store_principal_seen)(void *context, const struct store_principal *principal);
/* Lists a tenant's principals with ids after `after`, by id. */
int store_list_principals(struct store_read *read, uint32_t tenant, struct pol_str after,
	store_principal_seen seen, void *context);
/* The same for the principals that have an assignment of the role itself, not by inheritance. */
int store_list_holders(struct store_read *read, uint32_t tenant, struct pol_str role,
	struct pol_str after, store_principal_seen seen, void *context);

/* Creates or replaces a principal, and updates the index of roles. Here, and when it is deleted,
 * the id may be one of store_everyone_id. */
int store_put_principal(struct store_write *write, const struct store_principal *principal);
int store_delete_principal(struct store_write *write, uint32_t tenant, struct pol_str id);

/* --- what all hold ---------------------------------------------------------------------------- */

/* Who holds a role without an assignment of its own. */
enum store_everyone {
	STORE_EVERY_PRINCIPAL, /* of the tenant, declared ones included */
	STORE_EVERY_CALLER,    /* of the tenant, with or without a token */
	STORE_EVERYONE_KINDS,
};

/*
 * A tenant has one record of each kind at most, with the same limits as a principal's: it is one,
 * under an id that no principal can have. Lists of principals leave it out; the trail, copies and
 * checks of the store have it like any other.
 */
struct pol_str store_everyone_id(enum store_everyone kind);
bool store_is_everyone(struct pol_str id);
/* -ENOENT, -EBADMSG. */
int store_get_everyone(struct store_read *read, uint32_t tenant, enum store_everyone kind,
	struct store_principal *out);
/* False: no tenant has one, in any reader's view. Once true it stays so until the store is opened
 * again. Any thread. */
bool store_has_everyone(const struct store *store);
/* A transaction's number: readers whose view is not lower see all such records as they are now. It
 * is raised before a transaction that changes one commits. Any thread. */
uint64_t store_everyone_changed(const struct store *store);

/* --- the use of keys -------------------------------------------------------------------------- */

/* When and how often a key was used: daemon/keys/usage.h. `number` is the key's. */
struct store_use {
	int64_t at; /* of the last use; 0: never */
	uint8_t ip[16];
	bool has_ip;
	uint64_t uses;
	uint64_t denials;
};
/* The same by day (UTC): keys/usage_days.h. */
#define STORE_DAYS 32
struct store_days {
	uint32_t newest;           /* days since 1970-01-01 */
	uint64_t uses[STORE_DAYS]; /* of that day, and of each day before it */
	uint64_t denials[STORE_DAYS];
};
/* Gives zeroes when there is no record, or it was altered. */
int store_get_use(struct store_read *read, uint64_t number, struct store_use *out);
/* Gives zeroes when there is no record. -EBADMSG: it was altered. */
int store_get_days(struct store_read *read, uint64_t number, struct store_use *out,
	struct store_days *out_days);
/* `days` NULL: none. */
int store_put_use(struct store_write *write, uint64_t number, const struct store_use *use,
	const struct store_days *days);

/* Which permissions a key has used: daemon/keys/learned.h. */
#define STORE_MAX_USED 256
struct store_used {
	uint32_t count;
	bool full; /* there were more than fit */
	uint64_t hashes[STORE_MAX_USED];
};
/* Gives none when there is no record, or it was altered. */
int store_get_used(struct store_read *read, uint64_t number, struct store_used *out);
int store_put_used(struct store_write *write, uint64_t number, const struct store_used *used);

/* --- retries ---------------------------------------------------------------------------------- */

/* What a request with an id made, kept for a while so that a repeated request gets the same answer:
 * daemon/manage/retry.h. */
#define STORE_RETRY_SECONDS 600

struct store_retry {
	const uint8_t *id;          /* STORE_HASH bytes: hash of the request's id */
	const uint8_t *fingerprint; /* STORE_HASH bytes: hash of what a retry must repeat */
	const uint8_t *made;        /* STORE_TAG bytes: tag of the key's record after the request */
	struct pol_str kid;
	int64_t at;
	const uint8_t *sealed; /* the token */
	size_t sealed_len;
};

/* -ENOENT, -EBADMSG. */
int store_get_retry(
	struct store_read *read, const uint8_t id[static STORE_HASH], struct store_retry *out);
/* The time of the oldest one. -ENOENT: there is none. */
int store_oldest_retry(struct store_read *read, int64_t *out_at);
/* Creates, or replaces the one with this id. */
int store_put_retry(struct store_write *write, const struct store_retry *retry);
/* Deletes those made before a time, at most `most` of them. */
int store_drop_retries(struct store_write *write, int64_t before, unsigned most);

/* --- the pepper ------------------------------------------------------------------------------- */

/*
 * The number of the pepper that a committed rotation begins. It is stored in the rotation's
 * transaction, and deleted once the secrets' file has that pepper: daemon/tend/pepper.h.
 */

/* -ENOENT: no rotation is unfinished. -EBADMSG. */
int store_get_pepper_due(struct store_read *read, uint8_t *out);
int store_put_pepper_due(struct store_write *write, uint8_t number);
/* Does nothing if there is none. */
int store_drop_pepper_due(struct store_write *write);
