/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/load/dangling.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/load/attributes.h"
#include "daemon/load/stored_roles.h"
#include "daemon/store/env.h"
#include "policy/snapshot/stored.h"
#include "policy/text/unicode.h"

/* Records for each renewal of the read transaction: a few milliseconds. */
#define SLICE     4096
#define MAX_BYTES (1024 * 1024)

/* A principal of the files, by its id without regard to case. */
struct declared {
	uint64_t hash;
	uint32_t number;
};

struct search {
	const struct pol_snapshot *snapshot;
	struct declared *declared; /* sorted by hash */
	size_t declared_count;
	int64_t now;
	struct dangling *out;
	uint32_t reported;
	uint32_t seen; /* in this slice */
	uint32_t tenant;
	char tenant_name[STORE_MAX_NAME];
	size_t tenant_name_len;
	uint64_t number;
	char id[STORE_MAX_NAME];
	size_t id_len;
};

static void encode_text(struct wire_buf *out, const char *name, struct pol_str text)
{
	wire_put_cstr(out, name);
	wire_put_str(out, (struct wire_str){ text.ptr, text.len });
}

static void report(struct search *search, const char *holder, struct pol_str id, const char *what,
	struct pol_str name)
{
	struct wire_buf *out = &search->out->items;
	size_t mark = out->len;

	search->out->total++;
	if (search->reported == DANGLING_MAX_REPORTED) {
		return;
	}
	wire_put_map(out, 2);
	encode_text(out, holder, id);
	encode_text(out, what, name);
	if (out->status == WIRE_OK) {
		search->reported++;
	} else {
		wire_buf_rewind(out, mark);
	}
}

static void check_places(
	struct search *search, const char *holder, struct pol_str id, struct store_list places)
{
	struct pol_str place;

	while (store_list_next(&places, &place)) {
		if (pol_snapshot_check_place(search->snapshot, place) != POL_OK) {
			report(search, holder, id, "at", place);
		}
	}
}

/* The roles of one principal or key; exclusive ones are reported, and stay assigned. */
struct held_roles {
	uint32_t numbers[STORE_MAX_ASSIGNMENTS];
	struct pol_str names[STORE_MAX_ASSIGNMENTS];
	size_t count;
};

static void add_role(struct held_roles *held_roles, uint32_t number, struct pol_str name)
{
	if (held_roles->count < STORE_MAX_ASSIGNMENTS) {
		held_roles->numbers[held_roles->count] = number;
		held_roles->names[held_roles->count++] = name;
	}
}

static void report_exclusive(struct search *search, const char *holder, struct pol_str id,
	const struct pol_str names[static 2])
{
	char text[2 * STORE_MAX_NAME + 8];
	int len = snprintf(
		text, sizeof text, "%.*s, %.*s", POL_STR_ARGS(names[0]), POL_STR_ARGS(names[1]));

	report(search, holder, id, "exclusive",
		(struct pol_str){
			text, (size_t)len < sizeof text ? (size_t)len : sizeof text - 1 });
}

static void check_exclusive(struct search *search, const char *holder, struct pol_str id,
	const struct held_roles *held_roles)
{
	for (size_t i = 0; i < held_roles->count; i++) {
		for (size_t k = 0; k < i; k++) {
			if (pol_snapshot_exclusive(search->snapshot, held_roles->numbers[i],
				    held_roles->numbers[k]) != POL_NONE) {
				report_exclusive(search, holder, id,
					(const struct pol_str[]){
						held_roles->names[k], held_roles->names[i] });
			}
		}
	}
}

/* A role of the store that inherits two exclusive ones. */
static void check_inherited(struct search *search, const struct store_role *role)
{
	const struct pol_snapshot *snapshot = search->snapshot;
	uint32_t members[2];

	if (pol_stored_breaches(
		    snapshot, pol_stored_find(snapshot, role->number, role->tenant), members)) {
		report_exclusive(search, "role", role->name,
			(const struct pol_str[]){ pol_snapshot_role_name(snapshot, members[0]),
				pol_snapshot_role_name(snapshot, members[1]) });
	}
}

/* --- ids that differ from those of the files in case alone ------------------------------------ */

static int compare_declared(const void *a, const void *b)
{
	const struct declared *one = (const struct declared *)a;
	const struct declared *other = (const struct declared *)b;

	return (one->hash > other->hash) - (one->hash < other->hash);
}

static int take_declared(struct search *search)
{
	size_t count = pol_snapshot_principal_count(search->snapshot);

	search->declared = calloc(count + 1, sizeof *search->declared);
	if (search->declared == NULL) {
		return -ENOMEM;
	}
	for (size_t i = 0; i < count; i++) {
		struct pol_str id = pol_snapshot_principal_id(search->snapshot, (uint32_t)i);

		search->declared[i] = (struct declared){ pol_unicode_hash_fold(id), (uint32_t)i };
	}
	qsort(search->declared, count, sizeof *search->declared, compare_declared);
	search->declared_count = count;
	return 0;
}

static void check_id(struct search *search, struct pol_str id)
{
	struct declared wanted = { .hash = pol_unicode_hash_fold(id) };
	const struct declared *found = bsearch(
		&wanted, search->declared, search->declared_count, sizeof wanted, compare_declared);
	struct pol_str declared;

	if (found == NULL) {
		return;
	}
	declared = pol_snapshot_principal_id(search->snapshot, found->number);
	if (!pol_str_equal(declared, id) && pol_unicode_equal_fold(declared, id)) {
		report(search, "principal", id, "like", declared);
	}
}

/* --- the records ------------------------------------------------------------------------------ */

static bool counts_for_nothing(const struct search *search, uint32_t role)
{
	return role == POL_NONE || pol_stored_is_shadowed(search->snapshot, role);
}

struct holder {
	struct search *search;
	struct pol_str id;
};

static void on_unknown(void *context, struct pol_str name)
{
	const struct holder *holder = (const struct holder *)context;

	report(holder->search, "principal", holder->id, "attribute", name);
}

/* The roles and places of a principal's record. */
static void check_assignments(
	struct search *search, const char *holder, const struct store_principal *principal)
{
	struct store_list left = principal->assignments;
	struct store_assignment held;
	struct held_roles held_roles = { .count = 0 };

	while (store_assignment_next(&left, &held)) {
		uint32_t number;

		if (held.until != 0 && search->now >= held.until) {
			continue;
		}
		number = stored_roles_find(
			search->snapshot, principal->tenant, held.role, held.stored);
		add_role(&held_roles, number, held.role);
		if (counts_for_nothing(search, number)) {
			report(search, holder, principal->id, "role", held.role);
		}
		check_places(search, holder, principal->id, held.places);
		if (store_is_everyone(principal->id) &&
			pol_snapshot_is_exclusive(search->snapshot, number)) {
			report(search, holder, principal->id, "exclusive_member", held.role);
		}
	}
	check_exclusive(search, holder, principal->id, &held_roles);
}

static int on_principal(void *context, const struct store_principal *principal)
{
	struct search *search = (struct search *)context;
	struct holder holder = { search, principal->id };

	check_assignments(search, "principal", principal);
	attributes_find_unknown(search->snapshot, principal->attributes, on_unknown, &holder);
	if (principal->tenant == STORE_TENANT_DEFAULT) {
		check_id(search, principal->id);
	}
	memcpy(search->id, principal->id.ptr, principal->id.len);
	search->id_len = principal->id.len;
	return ++search->seen == SLICE;
}

static int on_key(void *context, const struct store_key *key)
{
	struct search *search = (struct search *)context;
	struct store_list roles = key->roles, scopes = key->scopes;
	struct held_roles held_roles = { .count = 0 };
	struct pol_str name;

	search->number = key->number;
	search->seen++;
	if ((key->flags & STORE_KEY_REVOKED) != 0) {
		return search->seen == SLICE;
	}
	while (store_list_next(&roles, &name)) {
		uint64_t stored;
		uint32_t number;

		name = store_role_split(name, &stored);
		number = stored_roles_find(search->snapshot, key->tenant, name, stored);
		add_role(&held_roles, number, name);
		if (counts_for_nothing(search, number)) {
			report(search, "key", key->kid, "role", name);
		}
	}
	while (store_list_next(&scopes, &name)) {
		if (pol_snapshot_scope(search->snapshot, name) == POL_NONE) {
			report(search, "key", key->kid, "scope", name);
		}
	}
	check_exclusive(search, "key", key->kid, &held_roles);
	check_places(search, "key", key->kid, key->places);
	return search->seen == SLICE;
}

static int check_principals(struct search *search, struct store_read *read)
{
	int r;

	do {
		char id[STORE_MAX_NAME];
		struct pol_str after = { id, search->id_len };

		memcpy(id, search->id, search->id_len);
		search->seen = 0;
		r = store_read_renew(read);
		if (r == 0) {
			r = store_list_principals(
				read, search->tenant, after, on_principal, search);
		}
		store_read_reset(read);
	} while (r > 0);
	return r;
}

/* What all hold: `holder` is what an assignment's record says instead of a principal. */
static int check_everyone(struct search *search, struct store_read *read)
{
	static const char *const holders[] = {
		[STORE_EVERY_PRINCIPAL] = "everyone",
		[STORE_EVERY_CALLER] = "anyone",
	};
	int r = store_read_renew(read);

	for (int kind = 0; r == 0 && kind < STORE_EVERYONE_KINDS; kind++) {
		struct store_principal record;

		r = store_get_everyone(read, search->tenant, (enum store_everyone)kind, &record);
		if (r == 0) {
			check_assignments(search, holders[kind], &record);
		}
		r = r == -ENOENT || r == -EBADMSG ? 0 : r;
	}
	store_read_reset(read);
	return r;
}

static int check_keys(struct search *search, struct store_read *read)
{
	static const struct pol_str any = { NULL, 0 };
	int r;

	do {
		search->seen = 0;
		r = store_read_renew(read);
		if (r == 0) {
			r = store_list_keys(
				read, search->tenant, any, search->number, on_key, search);
		}
		store_read_reset(read);
	} while (r > 0);
	return r;
}

/* The grant lines of one role. */
struct lines {
	struct search *search;
	struct pol_str role;
	struct store_list left;
};

static bool next_line(void *context, struct pol_str *out)
{
	return store_list_next(&((struct lines *)context)->left, out);
}

static void on_missing(void *context, struct pol_str line)
{
	struct lines *lines = (struct lines *)context;

	report(lines->search, "role", lines->role, "grant", line);
}

static int on_role(void *context, const struct store_role *role)
{
	struct search *search = (struct search *)context;
	struct lines lines = { search, role->name, role->lines };
	const struct pol_stored_source source = { next_line, on_missing, &lines };
	struct store_list inherits = role->inherits;
	struct pol_stored *own = NULL;
	struct pol_str item;

	if (pol_stored_is_shadowed(search->snapshot,
		    pol_stored_find(search->snapshot, role->number, role->tenant))) {
		report(search, "role", role->name, "shadowed_in",
			(struct pol_str){ search->tenant_name, search->tenant_name_len });
	}
	if (pol_stored_lines_read(search->snapshot, &source, &own) != POL_OK) {
		return -ENOMEM;
	}
	pol_stored_unref(own);
	check_inherited(search, role);
	while (store_list_next(&inherits, &item)) {
		uint64_t stored;
		struct pol_str name = store_role_split(item, &stored);

		if (counts_for_nothing(search,
			    stored_roles_find(search->snapshot, role->tenant, name, stored))) {
			report(search, "role", role->name, "inherits", name);
		}
	}
	return 0;
}

static int check_roles(struct search *search, struct store_read *read)
{
	int r = store_read_renew(read);

	if (r == 0) {
		r = store_list_roles(
			read, search->tenant, (struct pol_str){ NULL, 0 }, on_role, search);
	}
	store_read_reset(read);
	return r;
}

static int on_tenant(void *context, const struct store_tenant *tenant)
{
	struct search *search = (struct search *)context;

	search->tenant = tenant->number;
	memcpy(search->tenant_name, tenant->name.ptr, tenant->name.len);
	search->tenant_name_len = tenant->name.len;
	return 1;
}

/* Tenant by tenant. */
static int check_all(struct search *search, struct store_read *read)
{
	for (;;) {
		int r = store_read_renew(read);

		if (r == 0) {
			r = store_list_tenants(read, search->tenant, on_tenant, search);
		}
		store_read_reset(read);
		if (r <= 0) {
			return r;
		}
		search->id_len = 0;
		search->number = 0;
		r = check_everyone(search, read);
		if (r == 0) {
			r = check_principals(search, read);
		}
		if (r == 0) {
			r = check_keys(search, read);
		}
		if (r == 0) {
			r = check_roles(search, read);
		}
		if (r < 0) {
			return r;
		}
	}
}

int dangling_find(
	struct store *store, const struct pol_snapshot *snapshot, int64_t now, struct dangling *out)
{
	struct search search = { .snapshot = snapshot, .now = now, .out = out };
	struct store_read *read = NULL;
	size_t at;
	int r = store_read_open(store, &read);

	out->total = 0;
	wire_buf_init(&out->items, MAX_BYTES);
	if (r < 0) {
		return r;
	}
	at = wire_open_array(&out->items);
	r = take_declared(&search);
	if (r == 0) {
		r = check_all(&search, read);
	}
	wire_close_array(&out->items, at, search.reported);
	free(search.declared);
	store_read_close(read);
	return r;
}

void dangling_finish(struct dangling *dangling)
{
	wire_buf_finish(&dangling->items);
}
