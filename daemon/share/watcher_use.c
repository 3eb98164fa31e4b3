/* SPDX-License-Identifier: Apache-2.0 */
/* Rounds: this store's uses are put into the database, and what other hosts counted is read. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/host/log.h"
#include "daemon/secret/token.h"
#include "daemon/share/share_internal.h"
#include "daemon/share/use.h"

/* Between two rounds. Nobody decides by uses; so they are seldom enough to cost a database of many
 * hosts little, and what is shown is at most two rounds old. */
#define USE_MS 600000
/* After a round that was asked for, the next one that is asked for begins no sooner. */
#define USE_LEAST_MS 1000
/* When there is no room for what was read, or no part in the realm: until the next try. A flush of
 * the writer makes room every 10 seconds. */
#define USE_AGAIN_MS 1000
/* A page: keys of one statement, and keys that are looked at for it. Looks of the head go between
 * two pages, so a page is to take a few milliseconds. */
#define USE_PAGE  512
#define USE_STEPS 4096
/* What a host that ends may take for its last round, in ms. */
#define USE_END_MS 2000

/* --- the id: the writer's thread -------------------------------------------------------------- */

static int make_id(struct store *store, uint8_t id[static STORE_USES_ID])
{
	struct store_write *write;
	int r = store_write_begin(store, &write);

	if (r < 0) {
		return r;
	}
	secret_random(id, STORE_USES_ID);
	store_write_alone(write);
	store_write_job(write);
	r = store_put_uses_id(write, id);
	r = r == 0 ? store_write_keep(write) : r;
	if (r < 0) {
		store_write_abort(write);
		return r;
	}
	return store_write_commit(write, false);
}

void share_take_uses_id(struct share *share)
{
	uint8_t id[STORE_USES_ID];
	int r = store_read_renew(share->reader);

	if (r == 0) {
		r = store_get_uses_id(share->reader, id);
		store_read_reset(share->reader);
	}
	if (r == -ENOENT || r == -EBADMSG) {
		r = make_id(share->options.store, id);
	}
	if (r < 0) {
		log_warn("uses of keys are not given to other hosts", "why=%s", store_explain(r));
	}
	pthread_mutex_lock(&share->lock);
	share->has_uses_id = r == 0;
	memcpy(share->uses_id, id, sizeof id);
	pthread_mutex_unlock(&share->lock);
}

/* --- a page ----------------------------------------------------------------------------------- */

struct page {
	struct watcher *watcher;
	struct share_use uses[USE_PAGE];
	uint64_t gone[USE_PAGE];
	size_t count, gone_count, steps;
	uint64_t last;
	int r;
};

/* 1: the page is full; 0: it is the last one; or the connection's error. Own uses. */
static int on_own(void *context, uint64_t number)
{
	struct page *page = context;
	struct watcher *watcher = page->watcher;
	struct store_use own;
	int r = store_get_use(watcher->reader, number, &own);

	if (r < 0) {
		return r;
	}
	page->last = number;
	if (share_use_is_news(watcher->share->uses, number, &own)) {
		struct share_use *use = &page->uses[page->count++];

		*use = (struct share_use){ .number = number,
			.at = own.at,
			.has_ip = own.has_ip,
			.uses = own.uses,
			.denials = own.denials };
		memcpy(use->ip, own.ip, sizeof use->ip);
	}
	return page->count == USE_PAGE || ++page->steps == USE_STEPS;
}

static int put_uses(struct page *page)
{
	struct watcher *watcher = page->watcher;
	struct share *share = watcher->share;
	int more = store_list_uses(watcher->reader, watcher->use.after, on_own, page), r = more;

	if (more >= 0 && page->count > 0) {
		r = share->database->use_put(
			watcher->log, watcher->use.id, page->uses, page->count, SHARE_LOOK_MS);
	}
	for (size_t i = 0; i < page->count && r >= 0; i++) {
		const struct store_use put = { .uses = page->uses[i].uses,
			.denials = page->uses[i].denials };

		r = share_use_note_put(share->uses, page->uses[i].number, &put);
	}
	return r < 0 ? r : more;
}

static int on_sum(void *context, const struct share_use *sum)
{
	struct page *page = context;

	page->count++;
	page->last = sum->number;
	if (store_numbers_lack(&page->watcher->use.numbers, sum->number)) {
		page->gone[page->gone_count++] = sum->number;
		return 0;
	}
	return share_use_set(page->watcher->share->uses, sum);
}

/* Uses of keys that were deleted go: one host does it. */
static int forget(struct page *page)
{
	struct watcher *watcher = page->watcher;

	if (page->gone_count == 0 || watcher_rank(watcher->share) != 0) {
		return 0;
	}
	return watcher->share->database->use_forget(
		watcher->log, page->gone, page->gone_count, SHARE_LOOK_MS);
}

static int read_uses(struct page *page)
{
	struct watcher *watcher = page->watcher;
	const struct share_use_from from = {
		.store = watcher->use.id, .after = watcher->use.after, .most = USE_PAGE
	};
	int r = watcher->share->database->use_read(
		watcher->log, &from, on_sum, page, SHARE_LOOK_MS);

	r = r == 0 ? forget(page) : r;
	return r < 0 ? r : page->count == USE_PAGE;
}

/* --- used permissions ------------------------------------------------------------------------- */

static bool has(const uint64_t *hashes, size_t count, uint64_t hash)
{
	for (size_t i = 0; i < count; i++) {
		if (hashes[i] == hash) {
			return true;
		}
	}
	return false;
}

static int put_hashes(struct watcher *watcher, uint64_t number, const struct store_used *used)
{
	int r = watcher->share->database->used_put(
		watcher->log, number, used->hashes, used->count, SHARE_LOOK_MS);

	return r == 0 ? share_used_note_put(watcher->share->uses, number, used->count) : r;
}

/* Both sides get what they lack. -EAGAIN: there is no room to learn it now. */
static int on_hashes(void *context, uint64_t number, const uint64_t *hashes, size_t count)
{
	struct page *page = context;
	struct watcher *watcher = page->watcher;
	const struct share_options *options = &watcher->share->options;
	struct store_used own;
	bool lacks = false;
	int r;

	page->count++;
	if (store_numbers_lack(&watcher->use.numbers, number)) {
		page->gone[page->gone_count++] = number;
	}
	if (!store_numbers_have(&watcher->use.numbers, number)) {
		page->last = number;
		return 0;
	}
	r = store_get_used(watcher->reader, number, &own);
	for (size_t i = 0; i < count && r == 0 && !own.full; i++) {
		if (!has(own.hashes, own.count, hashes[i]) &&
			!options->learn(options->context, number, hashes[i])) {
			r = -EAGAIN;
		}
	}
	for (uint32_t i = 0; i < own.count && r == 0; i++) {
		lacks = lacks || !has(hashes, count, own.hashes[i]);
	}
	if (r == 0) {
		page->last = number;
		r = lacks ? put_hashes(watcher, number, &own)
			  : share_used_note_put(watcher->share->uses, number, own.count);
	}
	return r;
}

static int read_hashes(struct page *page)
{
	struct watcher *watcher = page->watcher;
	const struct share_use_from from = { .after = watcher->use.after, .most = USE_PAGE };
	int r = watcher->share->database->used_read(
		watcher->log, &from, on_hashes, page, SHARE_LOOK_MS);

	r = r == 0 ? forget(page) : r;
	return r < 0 ? r : page->count == USE_PAGE;
}

/* Those that no host had put. */
static int on_own_hashes(void *context, uint64_t number)
{
	struct page *page = context;
	struct watcher *watcher = page->watcher;
	struct store_used own;
	int r = store_get_used(watcher->reader, number, &own);

	if (r == 0 && share_used_is_news(watcher->share->uses, number, own.count)) {
		r = put_hashes(watcher, number, &own);
		page->count++;
	}
	if (r < 0) {
		return r;
	}
	page->last = number;
	/* Each is a statement. */
	return page->count == USE_PAGE / 16 || ++page->steps == USE_STEPS;
}

static int put_own_hashes(struct page *page)
{
	return store_list_used(
		page->watcher->reader, page->watcher->use.after, on_own_hashes, page);
}

/* --- a round ---------------------------------------------------------------------------------- */

static int (*const phases[])(struct page *page) = {
	NULL, /* between two rounds */
	put_uses,
	read_uses,
	read_hashes,
	put_own_hashes,
};
#define PHASES (sizeof phases / sizeof phases[0])

static void end_round(struct watcher *watcher)
{
	free(watcher->use.numbers.bits);
	watcher->use.numbers = (struct store_numbers){ .bits = NULL };
	watcher->use.phase = 0;
}

void watcher_use_begin_again(struct watcher *watcher)
{
	end_round(watcher);
	watcher->use.at = 0;
	share_use_begin_again(watcher->share->uses);
}

/* Is the host part of the realm, with a log that is its own? */
static bool may_begin(struct watcher *watcher)
{
	struct share *share = watcher->share;
	bool may;

	pthread_mutex_lock(&share->lock);
	may = share->has_uses_id && share->problems[SHARE_CONNECTION][0] == '\0' &&
	      watcher->caught_up && !watcher->place.diverged;
	memcpy(watcher->use.id, share->uses_id, sizeof watcher->use.id);
	share->wants_uses = share->wants_uses && !may;
	pthread_mutex_unlock(&share->lock);
	return may;
}

/* A page of the phase, and the next phase after its last one. */
static int run_page(struct watcher *watcher)
{
	struct page *page = calloc(1, sizeof *page);
	int r = page == NULL ? -ENOMEM : store_read_renew(watcher->reader);

	if (r == 0) {
		page->watcher = watcher;
		page->last = watcher->use.after;
		r = phases[watcher->use.phase](page);
		watcher->use.after = page->last;
		store_read_reset(watcher->reader);
	}
	free(page);
	if (r == 0) {
		watcher->use.phase++;
		watcher->use.after = 0;
	}
	return r;
}

static int begin_round(struct watcher *watcher)
{
	int r = store_read_renew(watcher->reader);

	if (r == 0) {
		r = store_get_numbers(watcher->reader, &watcher->use.numbers);
		store_read_reset(watcher->reader);
	}
	watcher->use.phase = 1;
	watcher->use.after = 0;
	return r;
}

void watcher_use(struct watcher *watcher)
{
	uint64_t now = share_now();
	bool wanted;
	int r;

	pthread_mutex_lock(&watcher->share->lock);
	wanted = watcher->share->wants_uses;
	pthread_mutex_unlock(&watcher->share->lock);
	if (now < watcher->use.at &&
		(!wanted || watcher->use.phase != 0 || now < watcher->use.least_at)) {
		return;
	}
	if (watcher->use.phase == 0 && !may_begin(watcher)) {
		watcher->use.at = now + USE_AGAIN_MS * SHARE_NS_OF_MS;
		watcher->use.least_at = watcher->use.at;
		return;
	}
	watcher->use.at = 0;
	r = watcher->use.phase == 0 ? begin_round(watcher) : run_page(watcher);
	if (r == -EAGAIN || r == -ENOMEM) {
		watcher->use.at = now + USE_AGAIN_MS * SHARE_NS_OF_MS;
	} else if (r < 0) {
		end_round(watcher);
		watcher->use.at = now + USE_AGAIN_MS * SHARE_NS_OF_MS;
		watcher_lose(watcher, r);
	} else if (watcher->use.phase == PHASES) {
		end_round(watcher);
		share_use_set_known(watcher->share->uses);
		watcher->use.at = now + USE_MS * SHARE_NS_OF_MS;
		watcher->use.least_at = now + USE_LEAST_MS * SHARE_NS_OF_MS;
	}
}

void watcher_use_end(struct watcher *watcher)
{
	uint64_t deadline = share_now() + USE_END_MS * SHARE_NS_OF_MS;
	int r;

	end_round(watcher);
	if (watcher->log == NULL || !watcher->shared || !may_begin(watcher)) {
		return;
	}
	for (unsigned i = 0; i < 2; i++) {
		watcher->use.phase = i == 0 ? 1 : PHASES - 1;
		watcher->use.after = 0;
		do {
			r = run_page(watcher);
		} while (r == 1 && share_now() < deadline);
		if (r < 0) {
			watcher_lose(watcher, r);
			break;
		}
	}
	end_round(watcher);
}

/* --- any thread ------------------------------------------------------------------------------- */

void share_ask_uses(struct share *share)
{
	pthread_mutex_lock(&share->lock);
	share->wants_uses = true;
	pthread_mutex_unlock(&share->lock);
	share_wake_watcher(share);
}

bool share_add_use(struct share *share, uint64_t number, struct store_use *use)
{
	return !share_is_on(share) || share_use_add(share->uses, number, use);
}
