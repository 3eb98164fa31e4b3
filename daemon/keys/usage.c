/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/keys/usage.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/keys/denials.h"
#include "daemon/keys/key_cache.h"
#include "daemon/keys/key_table.h"
#include "daemon/keys/learned.h"
#include "daemon/keys/usage_days.h"
#include "daemon/keys/usage_slot.h"

/* struct usage_rare is allocated for this many neighbouring keys at a time. */
enum { GROUP_SLOTS = 1024, GROUPS = KEY_TABLE_NUMBERS / GROUP_SLOTS };

enum { WORDS = KEY_TABLE_NUMBERS / 64 };

_Static_assert(sizeof(struct usage_slot) <= KEY_TABLE_LINE, "it fits the table");

/* The arrays are for all keys, 9 MiB; their pages take memory when they are first touched. */
struct usage {
	struct store *store;
	const struct secrets *secrets;
	struct learned *learned;
	struct denials *denials;
	struct key_cache *keys;
	struct key_table slots;
	_Atomic(struct usage_rare *) rares[GROUPS];
	_Atomic uint64_t dirty[WORDS]; /* a bit a slot: used since the last flush */
	/* The flush's: where it stands, and what its transaction holds. */
	uint32_t next_word;
	uint32_t flushing_count;
	uint64_t flushing[USAGE_SLICE];
};

int usage_create(struct store *store, struct usage **out)
{
	struct usage *usage = calloc(1, sizeof *usage);
	int r;

	if (usage == NULL) {
		return -ENOMEM;
	}
	usage->store = store;
	usage->secrets = store_secrets(store);
	r = learned_create(&usage->learned);
	if (r == 0) {
		r = denials_create(&usage->denials);
	}
	if (r == 0) {
		r = key_cache_create(&usage->keys);
	}
	if (r < 0) {
		usage_destroy(usage);
		return r;
	}
	*out = usage;
	return 0;
}

void usage_destroy(struct usage *usage)
{
	if (usage == NULL) {
		return;
	}
	for (size_t i = 0; i < GROUPS; i++) {
		free(atomic_load_explicit(&usage->rares[i], memory_order_relaxed));
	}
	key_table_finish(&usage->slots);
	denials_destroy(usage->denials);
	key_cache_destroy(usage->keys);
	learned_destroy(usage->learned);
	free(usage);
}

struct denials *usage_denials(struct usage *usage)
{
	return usage->denials;
}

/* NULL: no key near it was used, or the number is too high. */
static struct usage_slot *find_slot(struct usage *usage, uint64_t number)
{
	return key_table_find(&usage->slots, sizeof(struct usage_slot), number);
}

static struct usage_at at_of(struct usage *usage, struct usage_slot *slot, uint64_t number)
{
	return (struct usage_at){ .slot = slot,
		.rares = &usage->rares[number / GROUP_SLOTS],
		.index = (uint32_t)(number % GROUP_SLOTS) };
}

/* At its next flush the slot is written. */
static void set_dirty(struct usage *usage, uint64_t number)
{
	atomic_fetch_or_explicit(
		&usage->dirty[number / 64], UINT64_C(1) << number % 64, memory_order_release);
}

/* false: there is no memory. */
static bool make_rares(const struct usage_at *at)
{
	struct usage_rare *found = atomic_load_explicit(at->rares, memory_order_acquire);
	struct usage_rare *made;

	if (found != NULL) {
		return true;
	}
	made = calloc(GROUP_SLOTS, sizeof *made);
	if (made == NULL) {
		return false;
	}
	if (!atomic_compare_exchange_strong_explicit(
		    at->rares, &found, made, memory_order_acq_rel, memory_order_acquire)) {
		free(made);
	}
	return true;
}

/* With each secret of the key, by the token's hash under one pepper. */
static enum key_secret compare(struct usage *usage, const struct secret_token *token,
	const struct store_key *key, bool old)
{
	static const uint8_t nothing[STORE_HASH] = { 0 };
	const uint8_t *other = key->rotation.other_hash;
	enum key_secret found = KEY_SECRET_WRONG;
	uint8_t hash[SECRET_HASH];

	secret_token_hash(usage->secrets, token, old, hash);
	if (secret_equal(hash, key->hash, SECRET_HASH)) {
		found = KEY_SECRET_CURRENT;
	}
	if (secret_equal(hash, other != NULL ? other : nothing, SECRET_HASH) && other != NULL) {
		found = KEY_SECRET_OTHER;
	}
	if (secret_rules_is_dead(usage->secrets, key, hash)) {
		found = KEY_SECRET_DEAD;
	}
	secret_wipe(hash, sizeof hash);
	return found;
}

/* A wrong crc is refused even where the secret is right. Nothing here shows by its time what was
 * found: an unknown key is compared with a dummy. */
static enum key_secret verify_in_full(
	struct usage *usage, const struct secret_token *token, const struct store_key *key)
{
	static const uint8_t nothing[STORE_HASH] = { 0 };
	static const struct store_key nobody = { .hash = nothing };
	const struct store_key *compared = key != NULL ? key : &nobody;
	enum key_secret found, found_old;

	if (!secret_token_is_sound(token)) {
		return KEY_SECRET_WRONG;
	}
	found = compare(usage, token, compared, false);
	if (secrets_have_old(usage->secrets)) {
		found_old = compare(usage, token, compared, true);
		found = found == KEY_SECRET_WRONG ? found_old : found;
	}
	return key != NULL ? found : KEY_SECRET_WRONG;
}

/* Its secrets are all under the pepper in use? Others are hashed each time, so that they are seen
 * and move. */
static bool is_up_to_date(const struct usage *usage, const struct store_key *key)
{
	uint8_t number = secrets_pepper(usage->secrets);

	return store_key_pepper(key, STORE_KEY_PEPPER) == number &&
	       (key->rotation.other == STORE_OTHER_NONE ||
		       store_key_pepper(key, STORE_KEY_OTHER_PEPPER) == number);
}

void usage_token_make(struct usage *usage, const struct secret_token *token, uint64_t view,
	struct usage_token *out)
{
	uint8_t tag[SECRET_TAG];

	/* Among many keys it is in no cache: it comes while the token is hashed. */
	key_cache_prefetch(usage->keys, token->kid);
	secret_tag(usage->secrets, SECRET_VERIFIED, token->whole.ptr, token->whole.len, tag);
	memcpy(out->mark, tag, sizeof out->mark);
	out->token = token;
	out->view = view;
}

bool usage_recall(struct usage *usage, const struct usage_token *token, struct key_known *out)
{
	if (token->view == 0 || !key_cache_find(usage->keys, token->token->kid, token->mark, out)) {
		return false;
	}
	/* The decision will be counted, which reads the slot. */
	__builtin_prefetch(find_slot(usage, out->number));
	return out->pepper == secrets_pepper(usage->secrets);
}

void usage_remember(
	struct usage *usage, const struct usage_token *token, const struct key_known *known)
{
	key_cache_put(usage->keys, token->token->kid, token->mark, known, token->view);
}

enum key_secret usage_verify(struct usage *usage, const struct usage_token *token,
	const struct store_key *key, unsigned recognise)
{
	enum key_secret found;

	/* Without a view the record may be of a change that is not committed. */
	if (key == NULL || token->view == 0 || !is_up_to_date(usage, key)) {
		return verify_in_full(usage, token->token, key);
	}
	found = (enum key_secret)(
		recognise == 0 ? 0 : key_cache_recognise(usage->keys, key->number, token->mark));
	if ((found & recognise) != 0) {
		return found;
	}
	found = verify_in_full(usage, token->token, key);
	if ((found & recognise) != 0) {
		key_cache_put_mark(usage->keys, key->number, token->mark, found, token->view);
	}
	return found;
}

void usage_drop(struct usage *usage, uint64_t version, uint64_t number)
{
	key_cache_drop(usage->keys, version, number);
}

void usage_drop_all(struct usage *usage, uint64_t version)
{
	key_cache_drop_all(usage->keys, version);
}

/* Only flushes write uses, and only of loaded slots: whatever this transaction sees is the last
 * word. Without it the count would begin at 0 again, so nothing is counted. */
static bool load(const struct usage_at *at, struct store_read *read, uint64_t number)
{
	struct store_use before;

	if (store_get_use(read, number, &before) < 0 ||
		((before.has_ip || before.denials > 0 || !usage_slot_fits(before.at)) &&
			!make_rares(at))) {
		return false;
	}
	usage_slot_load(at, &before);
	return true;
}

bool usage_count(struct usage *usage, struct store_read *read, uint64_t number,
	const struct usage_event *event)
{
	struct usage_slot *slot = key_table_make(&usage->slots, sizeof(struct usage_slot), number);
	struct usage_at at;
	unsigned counted;

	if (slot == NULL) {
		return false;
	}
	at = at_of(usage, slot, number);
	if ((!usage_slot_is_loaded(at.slot) && !load(&at, read, number)) ||
		((event->denied || event->ip->known || !usage_slot_fits(event->now)) &&
			!make_rares(&at))) {
		return false;
	}
	counted = usage_slot_count(&at, event);
	if ((counted & USAGE_WAS_CLEAN) != 0) {
		set_dirty(usage, number);
	}
	return (counted & USAGE_NEW_PERMISSION) != 0 &&
	       !learned_knows(usage->learned, number, event->permission);
}

void usage_spend(struct usage *usage, const struct usage_event *event)
{
	struct usage_slot slot = { 0 };
	struct usage_rare rare = { .ip = { 0 } };
	_Atomic(struct usage_rare *) rares = &rare;
	const struct usage_at at = { .slot = &slot, .rares = &rares };

	__builtin_prefetch(find_slot(usage, 0));
	(void)denials_count(usage->denials, 0, denials_reason(POL_STR("unknown_key")));
	(void)usage_slot_count(&at, event);
}

uint64_t usage_name_hash(struct usage *usage, struct pol_str name)
{
	uint64_t tag[SECRET_TAG / sizeof(uint64_t)];

	secret_tag(usage->secrets, SECRET_USED, name.ptr, name.len, (uint8_t *)tag);
	return tag[0] != 0 ? tag[0] : 1;
}

void usage_learn(struct usage *usage, uint64_t number, uint32_t permission, struct pol_str name)
{
	struct usage_slot *slot = find_slot(usage, number);
	uint64_t hash = usage_name_hash(usage, name);

	if (learned_learn(usage->learned, number, permission, hash) && slot != NULL) {
		usage_slot_set_permission(slot, permission);
	}
}

bool usage_learn_hash(struct usage *usage, uint64_t number, uint64_t hash)
{
	return learned_add(usage->learned, number, hash);
}

void usage_begin_again(struct usage *usage)
{
	learned_begin_again(usage->learned);
	for (uint64_t word = 0; word < WORDS; word++) {
		struct usage_slot *slots = find_slot(usage, word * 64);

		if (slots == NULL) {
			continue;
		}
		/* Before the slots: one that is used meanwhile is flushed again. */
		atomic_store_explicit(&usage->dirty[word], 0, memory_order_release);
		for (uint32_t bit = 0; bit < 64; bit++) {
			struct usage_at at = at_of(usage, slots + bit, word * 64 + bit);

			usage_slot_drop(&at);
		}
	}
}

int usage_get(struct usage *usage, struct store_read *read, uint64_t number, struct store_use *out)
{
	struct usage_slot *slot = find_slot(usage, number);

	if (slot != NULL && usage_slot_is_loaded(slot)) {
		struct usage_at at = at_of(usage, slot, number);

		usage_slot_read(&at, out);
		return 0;
	}
	return store_get_use(read, number, out);
}

/* Gives the days of `use`, which is that of the key now. */
static int get_days(struct usage *usage, struct store_read *read, uint64_t number,
	const struct store_use *use, struct store_days *out)
{
	struct store_use before;
	struct store_days days;
	int r = store_get_days(read, number, &before, &days);

	/* Nobody knows of what days the counts in memory are. */
	if (r == -EBADMSG) {
		before = *use;
		days = (struct store_days){ 0 };
		r = 0;
	}
	if (r == 0) {
		usage_days_add(&days, &before, use, store_latest(usage->store));
		*out = days;
	}
	return r;
}

int usage_get_days(
	struct usage *usage, struct store_read *read, uint64_t number, struct store_days *out)
{
	struct store_use use;
	int r = usage_get(usage, read, number, &use);

	return r < 0 ? r : get_days(usage, read, number, &use, out);
}

/* --- flushing --------------------------------------------------------------------------------- */

static int put_use(struct usage *usage, struct store_write *write, uint64_t number,
	const struct store_use *use)
{
	struct store_days days;
	int r = get_days(usage, store_write_reader(write), number, use, &days);

	return r < 0 ? r : store_put_use(write, number, use, &days);
}

/* `slots`: the 64 of the word. */
static int flush_word(
	struct usage *usage, struct store_write *write, struct usage_slot *slots, uint32_t word)
{
	uint64_t bits = atomic_exchange_explicit(&usage->dirty[word], 0, memory_order_acquire);
	uint64_t first = (uint64_t)word * 64;
	int r = 0;

	for (uint32_t bit = 0; bit < 64; bit++) {
		struct usage_at at = at_of(usage, slots + bit, first + bit);
		struct store_use use;

		if ((bits >> bit & 1) == 0) {
			continue;
		}
		usage->flushing[usage->flushing_count++] = first + bit;
		usage_slot_take(&at, &use);
		if (r == 0) {
			r = put_use(usage, write, first + bit, &use);
		}
	}
	return r;
}

int usage_flush(struct usage *usage, struct store_write *write, bool *out_more)
{
	const uint32_t segment_words = (uint32_t)key_table_lines(sizeof(struct usage_slot)) / 64;
	int r = 0;

	usage->flushing_count = 0;
	r = learned_flush(usage->learned, write, out_more);
	if (r < 0 || *out_more) {
		return r;
	}
	while (r == 0 && usage->next_word < WORDS) {
		struct usage_slot *slots = find_slot(usage, (uint64_t)usage->next_word * 64);

		if (slots == NULL) {
			usage->next_word += segment_words; /* none of the segment was used */
			continue;
		}
		if (usage->flushing_count > USAGE_SLICE - 64) {
			break;
		}
		r = flush_word(usage, write, slots, usage->next_word++);
	}
	*out_more = usage->next_word < WORDS;
	if (!*out_more) {
		usage->next_word = 0;
	}
	return r == 0 ? store_put_clock(write) : r;
}

void usage_flushed(struct usage *usage, bool committed)
{
	learned_flushed(usage->learned, committed);
	for (uint32_t i = 0; !committed && i < usage->flushing_count; i++) {
		set_dirty(usage, usage->flushing[i]);
	}
	usage->flushing_count = 0;
}
