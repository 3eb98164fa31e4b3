/* SPDX-License-Identifier: Apache-2.0 */
#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "daemon/host/redact.h"
#include "daemon/write/audit.h"
#include "policy/text/timetext.h"

/* A value being written. */
struct value {
	char text[AUDIT_MAX_VALUE + 4]; /* and an ellipsis */
	size_t len;
	bool cut;
};

static void add(struct value *value, struct pol_str text)
{
	size_t room = AUDIT_MAX_VALUE - value->len;

	if (value->cut) {
		return;
	}
	value->cut = text.len > room;
	if (value->cut) {
		text.len = room;
		/* Not within a character. */
		while (text.len > 0 && ((unsigned char)text.ptr[text.len] & 0xc0) == 0x80) {
			text.len--;
		}
	}
	if (text.len > 0) {
		memcpy(value->text + value->len, text.ptr, text.len);
		value->len += text.len;
	}
	if (value->cut) {
		memcpy(value->text + value->len, "…", 3);
		value->len += 3;
	}
}

void audit_note_init(struct audit_note *note)
{
	note->pack = (struct store_pack){ .bytes = note->bytes, .cap = sizeof note->bytes };
}

/* All three or none: what reads them takes three at a time. */
static void put(struct audit_note *note, const char *name, struct value *from, struct value *to)
{
	struct store_pack before = note->pack;

	from->len = redact_tokens(from->text, from->len, "…");
	to->len = redact_tokens(to->text, to->len, "…");
	if (!store_pack_add(&note->pack, pol_str_of(name)) ||
		!store_pack_add(&note->pack, (struct pol_str){ from->text, from->len }) ||
		!store_pack_add(&note->pack, (struct pol_str){ to->text, to->len })) {
		note->pack = before;
	}
}

void audit_note_text(
	struct audit_note *note, const char *name, struct pol_str from, struct pol_str to)
{
	struct value before = { .len = 0 }, after = { .len = 0 };

	if (!pol_str_equal(from, to)) {
		add(&before, from);
		add(&after, to);
		put(note, name, &before, &after);
	}
}

void audit_note_number(struct audit_note *note, const char *name, int64_t from, int64_t to)
{
	char before[24], after[24];

	snprintf(before, sizeof before, "%lld", (long long)from);
	snprintf(after, sizeof after, "%lld", (long long)to);
	audit_note_text(note, name, pol_str_of(before), pol_str_of(after));
}

static struct pol_str time_text(int64_t time, char text[static POL_TIME_TEXT])
{
	if (time == 0 || pol_timetext_format(time, text) != POL_OK) {
		text[0] = '\0';
	}
	return pol_str_of(text);
}

/* Unix seconds, written as RFC 3339; 0: none. */
static void add_time(struct audit_note *note, const char *name, int64_t from, int64_t to)
{
	char before[POL_TIME_TEXT], after[POL_TIME_TEXT];

	audit_note_text(note, name, time_text(from, before), time_text(to, after));
}

static void add_list(struct value *value, struct store_list list)
{
	struct pol_str text;

	while (store_list_next(&list, &text)) {
		if (value->len > 0) {
			add(value, POL_STR(","));
		}
		add(value, text);
	}
}

static bool same_list(struct store_list a, struct store_list b)
{
	return a.count == b.count && a.size == b.size &&
	       (a.size == 0 || memcmp(a.ptr, b.ptr, a.size) == 0);
}

void audit_note_list(
	struct audit_note *note, const char *name, struct store_list from, struct store_list to)
{
	struct value before = { .len = 0 }, after = { .len = 0 };

	if (!same_list(from, to)) {
		add_list(&before, from);
		add_list(&after, to);
		put(note, name, &before, &after);
	}
}

/* --- keys ------------------------------------------------------------------------------------- */

static const char *key_status(const struct store_key *key)
{
	if ((key->flags & STORE_KEY_REVOKED) != 0) {
		return "revoked";
	}
	return (key->flags & STORE_KEY_DISABLED) != 0 ? "inactive" : "active";
}

static void add_networks(struct value *value, const struct store_key *key)
{
	static const uint8_t v4_mapped[12] = { [10] = 0xff, [11] = 0xff };

	for (uint32_t i = 0; i < key->network_count; i++) {
		const uint8_t *at = key->networks + (size_t)i * STORE_NETWORK;
		unsigned bits = at[STORE_NETWORK - 1];
		bool v4 = memcmp(at, v4_mapped, sizeof v4_mapped) == 0 && bits >= 96;
		char ip[INET6_ADDRSTRLEN] = "", text[INET6_ADDRSTRLEN + 8];

		inet_ntop(v4 ? AF_INET : AF_INET6, v4 ? at + 12 : at, ip, sizeof ip);
		snprintf(text, sizeof text, "%s%s/%u", i > 0 ? "," : "", ip, v4 ? bits - 96 : bits);
		add(value, pol_str_of(text));
	}
}

static void note_networks(
	struct audit_note *note, const struct store_key *from, const struct store_key *to)
{
	struct value before = { .len = 0 }, after = { .len = 0 };

	if (from->network_count != to->network_count ||
		(to->network_count > 0 &&
			memcmp(from->networks, to->networks,
				(size_t)to->network_count * STORE_NETWORK) != 0)) {
		add_networks(&before, from);
		add_networks(&after, to);
		put(note, "networks", &before, &after);
	}
}

static struct pol_str other_text(const struct store_rotation *rotation)
{
	switch (rotation->other) {
	case STORE_OTHER_RETIRING:
		return POL_STR("retiring");
	case STORE_OTHER_PENDING:
		return POL_STR("pending");
	default:
		return (struct pol_str){ NULL, 0 };
	}
}

static void note_seconds(struct audit_note *note, const char *name, int64_t from, int64_t to)
{
	if (from != 0 || to != 0) {
		audit_note_number(note, name, from, to);
	}
}

static void note_rotation(
	struct audit_note *note, const struct store_rotation *from, const struct store_rotation *to)
{
	/* The generation of a new key is 1, which needs no entry. */
	if (from->generation != 0 && to->generation != 0) {
		audit_note_number(note, "generation", from->generation, to->generation);
	}
	audit_note_text(note, "other", other_text(from), other_text(to));
	add_time(note, "other_until", from->other_until, to->other_until);
	note_seconds(note, "rotate_every", from->rotate_every, to->rotate_every);
	add_time(note, "next_rotation_at", from->next_rotation_at, to->next_rotation_at);
}

/* Roles of the store without their numbers. They are given once and never change. */
static void note_roles(struct audit_note *note, struct store_list from, struct store_list to)
{
	uint8_t bytes[STORE_MAX_LIST * (STORE_MAX_NAME + 2)];
	struct store_pack names = { .bytes = bytes, .cap = sizeof bytes };
	const struct store_list none = { NULL, 0, 0 };
	struct store_list left = from.count > 0 ? from : to;
	struct pol_str item;
	uint64_t stored;

	if (same_list(from, to)) {
		return;
	}
	while (store_list_next(&left, &item) &&
		store_pack_add(&names, store_role_split(item, &stored))) {
	}
	audit_note_list(note, "roles", from.count > 0 ? store_pack_list(&names) : none,
		from.count > 0 ? none : store_pack_list(&names));
}

void audit_note_key(
	struct audit_note *note, const struct store_key *from, const struct store_key *to)
{
	static const struct store_key none = { .number = 0 };
	const struct store_key *a = from != NULL ? from : &none, *b = to != NULL ? to : &none;

	audit_note_text(note, "status", pol_str_of(from != NULL ? key_status(a) : ""),
		pol_str_of(to != NULL ? key_status(b) : ""));
	/* A key that is made or removed does not move from one pepper to another. */
	if (from != NULL && to != NULL) {
		audit_note_number(note, "pepper", store_key_pepper(a, STORE_KEY_PEPPER),
			store_key_pepper(b, STORE_KEY_PEPPER));
	}
	add_time(note, "deleted_at", a->deleted_at, b->deleted_at);
	audit_note_text(note, "principal", a->principal, b->principal);
	note_roles(note, a->roles, b->roles);
	audit_note_list(note, "scopes", a->scopes, b->scopes);
	audit_note_list(note, "at", a->places, b->places);
	audit_note_text(note, "environment", a->environment, b->environment);
	add_time(note, "not_before", a->not_before, b->not_before);
	add_time(note, "expires_at", a->expires_at, b->expires_at);
	note_networks(note, a, b);
	note_rotation(note, &a->rotation, &b->rotation);
	audit_note_text(note, "name", a->name, b->name);
	audit_note_text(note, "label", a->label, b->label);
}

/* --- principals ------------------------------------------------------------------------------- */

static void add_assignment(struct value *value, const struct store_assignment *assignment)
{
	struct store_list places = assignment->places;
	char until[POL_TIME_TEXT];
	struct pol_str place, end = time_text(assignment->until, until);
	const char *before = " at ";

	if (value->len > 0) {
		add(value, POL_STR("; "));
	}
	add(value, assignment->role);
	while (store_list_next(&places, &place)) {
		add(value, pol_str_of(before));
		add(value, place);
		before = ",";
	}
	if (end.len > 0) {
		add(value, POL_STR(" until "));
		add(value, end);
	}
}

static bool has_assignment(struct store_list list, const struct store_assignment *wanted)
{
	struct store_assignment held;

	while (store_assignment_next(&list, &held)) {
		if (pol_str_equal(held.role, wanted->role) && held.stored == wanted->stored &&
			held.until == wanted->until && same_list(held.places, wanted->places)) {
			return true;
		}
	}
	return false;
}

/* Adds the assignments of a list that the other lacks. */
static void add_missing(struct value *value, struct store_list list, struct store_list other)
{
	struct store_assignment held;

	while (store_assignment_next(&list, &held)) {
		if (!has_assignment(other, &held)) {
			add_assignment(value, &held);
		}
	}
}

static void note_assignments(struct audit_note *note, struct store_list from, struct store_list to)
{
	struct value before = { .len = 0 }, after = { .len = 0 };

	if (!same_list(from, to)) {
		add_missing(&before, from, to);
		add_missing(&after, to, from);
		put(note, "assignments", &before, &after);
	}
}

static struct pol_str principal_status(const struct store_principal *principal)
{
	bool disabled = (principal->flags & STORE_PRINCIPAL_DISABLED) != 0;

	return disabled ? POL_STR("inactive") : POL_STR("active");
}

static struct pol_str principal_kind(const struct store_principal *principal)
{
	bool service = (principal->flags & STORE_PRINCIPAL_SERVICE) != 0;

	return service ? POL_STR("service") : POL_STR("user");
}

static struct pol_str principal_access(const struct store_principal *principal)
{
	bool off = (principal->flags & STORE_PRINCIPAL_NO_API) != 0;

	return off ? POL_STR("false") : POL_STR("true");
}

void audit_note_principal(struct audit_note *note, const struct store_principal *from,
	const struct store_principal *to)
{
	static const struct store_principal none = { .tenant = 0 };
	const struct store_principal *a = from != NULL ? from : &none;
	const struct store_principal *b = to != NULL ? to : &none;
	const struct pol_str empty = { NULL, 0 };

	audit_note_text(note, "status", from != NULL ? principal_status(a) : empty,
		to != NULL ? principal_status(b) : empty);
	audit_note_text(note, "kind", from != NULL ? principal_kind(a) : empty,
		to != NULL ? principal_kind(b) : empty);
	audit_note_text(note, "api_access", from != NULL ? principal_access(a) : empty,
		to != NULL ? principal_access(b) : empty);
	note_assignments(note, a->assignments, b->assignments);
	audit_note_text(note, "name", a->name, b->name);
	audit_note_list(note, "attributes", a->attributes, b->attributes);
}
