/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/load/feed.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/wire.h"
#include "daemon/host/log.h"
#include "daemon/load/kept.h"
#include "daemon/load/plugin_folder.h"
#include "daemon/store/env.h"
#include "daemon/store/trail.h"
#include "policy/snapshot/revision.h"

static const char folder_part[] = "data/";

/* The file: in MessagePack, an array of the number of the audit trail's last entry when it was
 * written (older versions left that out), and then of the name of each data file, the time when
 * that had changed, and its content, by turns. The bytes are those that a policy may use, and their
 * names. */
static const struct kept_form form = {
	.name = FEEDS_NAME,
	.head = "authzd data 1\n",
	.max = PLUGIN_MAX_DATA + ((size_t)1 << 20),
	.link = SECRET_FEEDS,
};
enum { FIELDS = 3 };

int feeds_init(struct feeds *feeds)
{
	feeds->first = NULL;
	feeds->state = NULL;
	feeds->changed = false;
	return -pthread_mutex_init(&feeds->lock, NULL);
}

static void destroy(struct feed *feed)
{
	free(feed->name);
	free(feed->bytes);
	free(feed);
}

void feeds_finish(struct feeds *feeds)
{
	while (feeds->first != NULL) {
		struct feed *feed = feeds->first;

		feeds->first = feed->next;
		destroy(feed);
	}
	pthread_mutex_destroy(&feeds->lock);
}

static struct feed *find(struct feeds *feeds, struct pol_str name)
{
	struct feed *feed = feeds->first;

	while (feed != NULL && !pol_str_equal(pol_str_of(feed->name), name)) {
		feed = feed->next;
	}
	return feed;
}

/* NULL: no memory; then there is no last content of this one. */
static struct feed *find_or_add(struct feeds *feeds, struct pol_str name)
{
	struct feed *feed = find(feeds, name);
	struct feed **link = &feeds->first;

	if (feed != NULL) {
		return feed;
	}
	feed = calloc(1, sizeof *feed);
	if (feed == NULL) {
		return NULL;
	}
	feed->name = strndup(name.ptr, name.len);
	if (feed->name == NULL) {
		free(feed);
		return NULL;
	}
	while (*link != NULL && strcmp((*link)->name, feed->name) < 0) {
		link = &(*link)->next;
	}
	feed->next = *link;
	*link = feed;
	return feed;
}

enum pol_status feeds_last(struct feeds *feeds, struct pol_str name, struct pol_str *out)
{
	const struct feed *feed = find(feeds, name);

	if (feed == NULL || feed->bytes == NULL) {
		return POL_ENOTFOUND;
	}
	*out = (struct pol_str){ feed->bytes, feed->len };
	return POL_OK;
}

static const struct feed_fault *fault_of(const struct feed_fault *faults, struct pol_str name)
{
	while (faults != NULL && !pol_str_equal(faults->name, name)) {
		faults = faults->next;
	}
	return faults;
}

static bool has_content(const struct feed *feed, const struct plugin_file *file)
{
	return feed->bytes != NULL && feed->len == (size_t)file->stat.size &&
	       feed->changed_at == file->stat.mtime.tv_sec &&
	       memcmp(feed->bytes, file->bytes, feed->len) == 0;
}

static void take_file(
	struct feeds *feeds, struct plugin_file *file, const struct feed_fault *faults)
{
	struct pol_str name = pol_str_of(file->name + sizeof folder_part - 1);
	struct feed *feed;

	if (fault_of(faults, name) != NULL) {
		return;
	}
	feed = find_or_add(feeds, name);
	if (feed == NULL) {
		return;
	}
	feeds->changed = feeds->changed || !has_content(feed, file);
	free(feed->bytes);
	feed->bytes = file->bytes;
	file->bytes = NULL;
	feed->len = (size_t)file->stat.size;
	feed->changed_at = file->stat.mtime.tv_sec;
	feed->used = true;
	feed->why[0] = '\0';
}

static void take_fault(struct feeds *feeds, const struct feed_fault *fault)
{
	struct feed *feed = find_or_add(feeds, fault->name);

	log_error(feed != NULL && feed->bytes != NULL
			  ? "a data file is refused: its module goes on with the last good one"
			  : "a data file is refused: its module denies, for there was no good one",
		"file=%.*s module=%.*s why=%.*s", POL_STR_ARGS(fault->name),
		POL_STR_ARGS(fault->module), POL_STR_ARGS(fault->why));
	if (feed != NULL) {
		feed->used = true;
		snprintf(feed->why, sizeof feed->why, "%.*s", POL_STR_ARGS(fault->why));
		snprintf(feed->module, sizeof feed->module, "%.*s", POL_STR_ARGS(fault->module));
	}
}

static void drop_unused(struct feeds *feeds)
{
	struct feed **link = &feeds->first;

	while (*link != NULL) {
		struct feed *feed = *link;

		if (feed->used) {
			link = &feed->next;
			continue;
		}
		*link = feed->next;
		feeds->changed = true;
		destroy(feed);
	}
}

void feeds_take(struct feeds *feeds, struct plugin_folder *folder, const struct feed_fault *faults)
{
	pthread_mutex_lock(&feeds->lock);
	for (struct feed *feed = feeds->first; feed != NULL; feed = feed->next) {
		feed->used = false;
	}
	for (size_t i = 0; folder != NULL && i < folder->count; i++) {
		struct plugin_file *file = &folder->files[i];

		if (file->bytes != NULL &&
			strncmp(file->name, folder_part, sizeof folder_part - 1) == 0) {
			take_file(feeds, file, faults);
		}
	}
	for (const struct feed_fault *fault = faults; fault != NULL; fault = fault->next) {
		/* The first fault of a file is the one that counts. */
		if (fault_of(faults, fault->name) == fault) {
			take_fault(feeds, fault);
		}
	}
	drop_unused(feeds);
	pthread_mutex_unlock(&feeds->lock);
	feeds_keep(feeds);
}

/* --- for a restart ---------------------------------------------------------------------------- */

bool feeds_are_kept(const char *state)
{
	return kept_exists(&form, state);
}

void feeds_use_state(struct feeds *feeds, const char *state, struct store *store)
{
	feeds->state = state;
	feeds->store = store;
}

/* A sum, since the order says nothing. */
static uint64_t hash_of(struct pol_str name, struct pol_str bytes)
{
	return pol_revision_hash64(name, pol_revision_hash64(bytes, 1));
}

static void write_digest(uint64_t sum, bool any, char out[static FEEDS_DIGEST])
{
	out[0] = '\0';
	if (any) {
		snprintf(out, FEEDS_DIGEST, "%016llx", (unsigned long long)sum);
	}
}

void feeds_digest(struct feeds *feeds, char out[static FEEDS_DIGEST])
{
	uint64_t sum = 0;
	bool any = false;

	pthread_mutex_lock(&feeds->lock);
	for (const struct feed *feed = feeds->first; feed != NULL; feed = feed->next) {
		if (feed->bytes != NULL) {
			sum += hash_of(
				pol_str_of(feed->name), (struct pol_str){ feed->bytes, feed->len });
			any = true;
		}
	}
	pthread_mutex_unlock(&feeds->lock);
	write_digest(sum, any, out);
}

/* The kept file while it is read. */
struct reader {
	struct kept kept;
	struct wire_cursor from; /* at the first file */
	uint32_t count;          /* of files */
	bool numbered;           /* it says after which entry it was written */
	uint64_t number;
};

/* 0; -ENOENT; or another negative errno and in `why` what is wrong. */
static int open_reader(
	const struct feeds *feeds, struct reader *reader, char why[static FOLDER_WHY])
{
	int r = kept_read(&form, feeds->state, store_secrets(feeds->store), &reader->kept, why);
	uint32_t count = 0;
	int64_t number = 0;

	if (r < 0) {
		return r;
	}
	reader->from = wire_cursor_of(reader->kept.bytes.ptr, reader->kept.bytes.len);
	if (!wire_read_array(&reader->from, &count) || count % FIELDS > 1 ||
		(count % FIELDS == 1 && !wire_read_int(&reader->from, &number))) {
		snprintf(why, FOLDER_WHY, "%.512s/" FEEDS_NAME " cannot be read", feeds->state);
		kept_free(&reader->kept);
		return -EBADMSG;
	}
	reader->count = count / FIELDS;
	reader->numbered = count % FIELDS == 1;
	reader->number = (uint64_t)number;
	return 0;
}

struct kept_feed {
	struct pol_str name, bytes;
	int64_t changed_at;
};

static bool next_kept(struct wire_cursor *from, struct kept_feed *out)
{
	struct wire_str name, bytes;

	if (!wire_read_text(from, &name) || !wire_read_int(from, &out->changed_at) ||
		!wire_read_text(from, &bytes)) {
		return false;
	}
	out->name = (struct pol_str){ name.ptr, name.len };
	out->bytes = (struct pol_str){ bytes.ptr, bytes.len };
	return true;
}

/* No lock: only this thread changes the list. */
static bool encode(const struct feeds *feeds, uint64_t number, struct wire_buf *out)
{
	size_t at = wire_open_array(out);
	uint32_t count = 1;

	wire_put_int(out, (int64_t)number);
	for (const struct feed *feed = feeds->first; feed != NULL; feed = feed->next) {
		if (feed->bytes == NULL) {
			continue;
		}
		wire_put_cstr(out, feed->name);
		wire_put_int(out, feed->changed_at);
		wire_put_bin(out, (const uint8_t *)feed->bytes, feed->len);
		count += FIELDS;
	}
	wire_close_array(out, at, count);
	return count > 1;
}

static bool has_all(const struct feeds *feeds, const struct reader *reader)
{
	struct wire_cursor from = reader->from;
	const struct feed *feed = feeds->first;
	struct kept_feed kept;
	bool same = true;

	for (uint32_t i = 0; same && i < reader->count; i++) {
		while (feed != NULL && feed->bytes == NULL) {
			feed = feed->next;
		}
		same = feed != NULL && next_kept(&from, &kept) &&
		       pol_str_equal(kept.name, pol_str_of(feed->name)) &&
		       kept.changed_at == feed->changed_at &&
		       pol_str_equal(kept.bytes, (struct pol_str){ feed->bytes, feed->len });
		feed = feed != NULL ? feed->next : NULL;
	}
	while (feed != NULL && feed->bytes == NULL) {
		feed = feed->next;
	}
	return same && feed == NULL;
}

/* The number with which the file has these contents already, or the present one. */
static uint64_t number_of(const struct feeds *feeds)
{
	uint64_t number = store_head_count(feeds->store);
	char why[FOLDER_WHY];
	struct reader reader;

	if (open_reader(feeds, &reader, why) < 0) {
		return number;
	}
	number = reader.numbered && has_all(feeds, &reader) ? reader.number : number;
	kept_free(&reader.kept);
	return number;
}

void feeds_keep(struct feeds *feeds)
{
	struct wire_buf bytes;
	int r;

	/* Without any, a file that an earlier policy left is removed. */
	if (feeds->state == NULL || (!feeds->changed && feeds->first != NULL)) {
		return;
	}
	kept_begin(&form, &bytes);
	r = encode(feeds, number_of(feeds), &bytes)
		    ? kept_write(&form, feeds->state, store_secrets(feeds->store), &bytes)
		    : kept_drop(&form, feeds->state);
	wire_buf_finish(&bytes);
	feeds->changed = r < 0;
	if (r < 0) {
		log_warn("the data files cannot be kept for a restart that finds one broken",
			"path=%s/" FEEDS_NAME " error=%s", feeds->state, strerror(-r));
	}
}

/* False: no memory. */
static bool restore_one(struct feeds *feeds, const struct kept_feed *kept, bool *out_any)
{
	struct feed *feed = find_or_add(feeds, kept->name);

	if (feed == NULL || feed->bytes != NULL) {
		return feed != NULL;
	}
	feed->bytes = malloc(kept->bytes.len + 1);
	if (feed->bytes == NULL) {
		return false;
	}
	memcpy(feed->bytes, kept->bytes.ptr, kept->bytes.len);
	feed->len = kept->bytes.len;
	feed->changed_at = kept->changed_at;
	*out_any = true;
	return true;
}

static bool restore_all(struct feeds *feeds, const struct reader *reader, bool *out_any)
{
	struct wire_cursor from = reader->from;
	struct kept_feed kept;
	bool good = true;

	pthread_mutex_lock(&feeds->lock);
	for (uint32_t i = 0; good && i < reader->count; i++) {
		good = next_kept(&from, &kept) && restore_one(feeds, &kept, out_any);
	}
	pthread_mutex_unlock(&feeds->lock);
	return good;
}

/* Was the file written before the newest entry, with other contents than that has? */
static bool is_old(const struct feeds *feeds, const struct reader *reader,
	const struct feeds_entry *newest, char why[static FOLDER_WHY])
{
	struct wire_cursor from = reader->from;
	char digest[FEEDS_DIGEST];
	struct kept_feed kept;
	uint64_t sum = 0;

	for (uint32_t i = 0; i < reader->count && next_kept(&from, &kept); i++) {
		sum += hash_of(kept.name, kept.bytes);
	}
	write_digest(sum, reader->count > 0, digest);
	if (newest->digest[0] == '\0' || strcmp(digest, newest->digest) == 0 ||
		(reader->numbered && reader->number >= newest->number)) {
		return false;
	}
	snprintf(why, FOLDER_WHY,
		"%.512s/" FEEDS_NAME " is an old copy that was put back: its digest is %s, and by "
		"the audit trail %s answered last: remove it, and mend the data files",
		feeds->state, digest, newest->digest);
	return true;
}

bool feeds_restore(struct feeds *feeds, const struct feeds_entry *newest)
{
	struct reader reader;
	char why[FOLDER_WHY];
	bool any = false;
	int r = open_reader(feeds, &reader, why);

	if (r == 0 && is_old(feeds, &reader, newest, why)) {
		kept_free(&reader.kept);
		r = -ESTALE;
	}
	if (r < 0) {
		if (r != -ENOENT) {
			log_error("the data files that were kept cannot be used", "why=%s", why);
		}
		return false;
	}
	if (!restore_all(feeds, &reader, &any)) {
		log_error("the data files that were kept cannot all be read", "path=%s/" FEEDS_NAME,
			feeds->state);
	}
	kept_free(&reader.kept);
	return any;
}

bool feeds_lack(struct feeds *feeds)
{
	bool lack = false;

	pthread_mutex_lock(&feeds->lock);
	for (const struct feed *feed = feeds->first; feed != NULL; feed = feed->next) {
		lack = lack || (feed->used && feed->bytes == NULL && feed->why[0] != '\0');
	}
	pthread_mutex_unlock(&feeds->lock);
	return lack;
}

void feeds_each(
	struct feeds *feeds, void (*seen)(void *context, const struct feed *feed), void *context)
{
	pthread_mutex_lock(&feeds->lock);
	for (const struct feed *feed = feeds->first; feed != NULL; feed = feed->next) {
		seen(context, feed);
	}
	pthread_mutex_unlock(&feeds->lock);
}
