/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <errno.h>

#include "daemon/config/peer.h"
#include "daemon/write/audit.h"
#include "daemon/write/writer.h"
#include "tests/daemon/folder.h"

/* Suite names are the file's stem; what is tested is the trail in the store, and audit_note. */

static struct store *store;
static struct store_read *reader;

static void setup(void)
{
	folder_make();
	store = folder_store();
	cr_assert_eq(store_read_open(store, &reader), 0);
}

static void teardown(void)
{
	store_read_close(reader);
	store_close(store);
	folder_remove();
}

TestSuite(audit, .init = setup, .fini = teardown);

/* One without a record, in a transaction of its own. */
static int append(int64_t time, const char *actor, const char *target)
{
	const struct store_audit audit = {
		.time = time,
		.tenant = STORE_TENANT_DEFAULT,
		.kind = STORE_AUDIT_POLICY,
		.actor = pol_str_of(actor),
		.action = POL_STR("policy.reload"),
		.target = pol_str_of(target),
	};
	struct store_write *write;
	int r;

	cr_assert_eq(store_write_begin(store, &write), 0);
	r = store_append_audit(write, &audit);
	cr_assert_eq(store_write_keep(write), 0);
	cr_assert_eq(store_write_commit(write, true), 0);
	return r;
}

struct seen {
	uint64_t sequences[64];
	size_t count;
	size_t most;
};

static int on_seen(void *context, const struct store_audit *audit)
{
	struct seen *seen = (struct seen *)context;

	seen->sequences[seen->count++] = audit->sequence;
	return seen->count == seen->most;
}

static struct seen list(const struct store_audit_filter *filter, uint64_t from)
{
	struct seen seen = { .most = 64 };

	cr_assert_eq(store_read_renew(reader), 0);
	cr_assert_geq(store_list_audit(reader, filter, from, on_seen, &seen), 0);
	return seen;
}

Test(audit, records_are_numbered_without_gaps_and_each_holds_the_tag_before)
{
	struct store_audit audit;
	struct store_head head;
	uint8_t before[STORE_CHAIN] = { 0 };

	for (int i = 0; i < 5; i++) {
		cr_assert_eq(append(1000 + i, "uid:0", "a"), 0);
	}
	cr_assert_eq(store_read_renew(reader), 0);
	for (uint64_t i = 1; i <= 5; i++) {
		cr_assert_eq(store_get_audit(reader, i, &audit), 0);
		cr_assert_eq(audit.sequence, i);
		cr_assert_eq(audit.time, 999 + (int64_t)i);
		cr_assert_arr_eq(audit.before, before, STORE_CHAIN);
		memcpy(before, audit.tag, STORE_CHAIN);
	}
	cr_assert_eq(store_get_audit(reader, 6, &audit), -ENOENT);
	cr_assert_eq(store_get_head(reader, &head), 0);
	cr_assert_eq(head.count, 5);
	cr_assert_arr_eq(head.tag, before, STORE_CHAIN);
}

Test(audit, lists_by_actor_tenant_and_target_go_both_ways)
{
	static const char *const actors[] = { "uid:0", "uid:1", "uid:0", "uid:10" };
	struct store_audit_filter filter = { .actor = POL_STR("uid:0") };
	struct seen seen;

	for (int i = 0; i < 4; i++) {
		cr_assert_eq(append(1000, actors[i], i == 1 ? "b" : "a"), 0);
	}
	seen = list(&filter, 0);
	cr_assert_eq(seen.count, 2);
	cr_assert_eq(seen.sequences[0], 1);
	cr_assert_eq(seen.sequences[1], 3);
	filter.backwards = true;
	seen = list(&filter, UINT64_MAX);
	cr_assert_eq(seen.count, 2);
	cr_assert_eq(seen.sequences[0], 3);
	cr_assert_eq(list(&filter, 2).count, 1);
	filter = (struct store_audit_filter){
		.kind = STORE_AUDIT_POLICY, .tenant = STORE_TENANT_DEFAULT, .target = POL_STR("a")
	};
	cr_assert_eq(list(&filter, 2).count, 2);
	filter = (struct store_audit_filter){ .tenant = STORE_TENANT_DEFAULT };
	cr_assert_eq(list(&filter, 0).count, 4);
	filter = (struct store_audit_filter){ .tenant = 2 };
	cr_assert_eq(list(&filter, 0).count, 0);
	filter = (struct store_audit_filter){ .backwards = true };
	seen = list(&filter, UINT64_MAX);
	cr_assert_eq(seen.count, 4);
	cr_assert_eq(seen.sequences[0], 4);
}

Test(audit, a_time_is_found_though_the_clock_went_back)
{
	static const int64_t times[] = { 100, 200, 150, 160, 300 };
	static const struct {
		int64_t since;
		uint64_t first;
	} cases[] = { { 0, 1 }, { 100, 1 }, { 101, 2 }, { 155, 2 }, { 201, 5 }, { 301, 6 } };
	uint64_t sequence;

	for (size_t i = 0; i < 5; i++) {
		cr_assert_eq(append(times[i], "uid:0", "a"), 0);
	}
	cr_assert_eq(store_read_renew(reader), 0);
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		cr_assert_eq(store_find_audit(reader, cases[i].since, &sequence), 0);
		cr_assert_eq(sequence, cases[i].first, "since %lld", (long long)cases[i].since);
	}
}

Test(audit, one_entry_is_for_one_record)
{
	char kid[2][STORE_KID + 1];
	struct store_key keys[2] = { folder_key(kid[0], 1), folder_key(kid[1], 2) };
	struct store_write *write;

	cr_assert_eq(store_write_begin(store, &write), 0);
	cr_assert_eq(folder_enter(write, keys[0].kid), -EPROTO, "no record was put");
	cr_assert_eq(store_create_key(write, &keys[0]), 0);
	cr_assert(store_write_owes(write));
	cr_assert_eq(store_create_key(write, &keys[1]), 0);
	cr_assert_eq(folder_enter(write, keys[1].kid), -EPROTO, "two were");
	cr_assert(store_write_owes(write));
	store_write_undo(write);
	cr_assert(!store_write_owes(write));
	store_write_abort(write);
}

Test(audit, an_entry_names_the_peer_or_the_daemon)
{
	const struct peer peer = { .uid = 1000, .pid = 4711 };
	const struct audit_entry entry = { .kind = STORE_AUDIT_POLICY };
	struct writer_turn turn = { .now = 1234 };
	struct audit_change change;
	struct store_audit audit;

	cr_assert_eq(store_write_begin(store, &turn.write), 0);
	turn.read = store_write_reader(turn.write);
	change = audit_change_of(&turn, &peer, "policy.reload");
	cr_assert_eq(audit_enter(&change, &entry), 0);
	change = audit_change_of(&turn, NULL, "daemon.sweep");
	cr_assert_eq(audit_enter(&change, &entry), 0);
	cr_assert_eq(store_write_keep(turn.write), 0);
	cr_assert_eq(store_write_commit(turn.write, true), 0);
	cr_assert_eq(store_read_renew(reader), 0);
	cr_assert_eq(store_get_audit(reader, 1, &audit), 0);
	cr_expect_eq(audit.time, 1234);
	cr_expect_eq(audit.uid, 1000);
	cr_expect_eq(audit.pid, 4711);
	cr_expect(pol_str_equal(audit.actor, POL_STR("uid:1000")));
	cr_expect(pol_str_equal(audit.action, POL_STR("policy.reload")));
	cr_assert_eq(store_get_audit(reader, 2, &audit), 0);
	cr_expect_eq(audit.uid, 0);
	cr_expect(pol_str_equal(audit.actor, POL_STR("daemon")));
	cr_expect(pol_str_equal(audit.action, POL_STR("daemon.sweep")));
}

/* --- what stands in an entry ------------------------------------------------------------------ */

static struct pol_str field(const struct audit_note *note, unsigned number)
{
	struct store_list list = store_pack_list(&note->pack);
	struct pol_str text = { NULL, 0 };

	for (unsigned i = 0; i <= number; i++) {
		cr_assert(store_list_next(&list, &text));
	}
	return text;
}

Test(audit, what_is_the_same_is_not_noted)
{
	struct audit_note note;
	char kid[STORE_KID + 1];
	struct store_key from = folder_key(kid, 1), to = from;

	audit_note_init(&note);
	audit_note_key(&note, &from, &to);
	cr_assert_eq(note.pack.count, 0);
	to.flags |= STORE_KEY_REVOKED;
	audit_note_key(&note, &from, &to);
	cr_assert_eq(note.pack.count, 3);
	cr_assert(pol_str_equal(field(&note, 0), POL_STR("status")));
	cr_assert(pol_str_equal(field(&note, 1), POL_STR("active")));
	cr_assert(pol_str_equal(field(&note, 2), POL_STR("revoked")));
}

Test(audit, a_token_that_was_typed_into_a_name_loses_its_secret)
{
	static const char token[] = "liq_live_1kT9aQ2mZx7B_0123456789abcdefghijABCDEFGHIJKL012345";
	struct audit_note note;
	char text[128];
	struct pol_str name;

	audit_note_init(&note);
	snprintf(text, sizeof text, "for %s, mind", token);
	audit_note_text(&note, "name", (struct pol_str){ NULL, 0 }, pol_str_of(text));
	name = field(&note, 2);
	cr_assert(pol_str_equal(name, POL_STR("for liq_live_1kT9aQ2mZx7B_…, mind")), "%.*s",
		POL_STR_ARGS(name));
}

Test(audit, a_long_value_is_cut_at_a_character)
{
	struct audit_note note;
	char text[AUDIT_MAX_VALUE * 2];

	memset(text, 'x', sizeof text);
	memcpy(text + AUDIT_MAX_VALUE - 1, "ü", 2);
	audit_note_init(&note);
	audit_note_text(
		&note, "name", (struct pol_str){ NULL, 0 }, (struct pol_str){ text, sizeof text });
	cr_assert_eq(field(&note, 2).len, AUDIT_MAX_VALUE - 1 + 3);
}
