/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/store/checkpoint.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "daemon/host/durable.h"
#include "daemon/host/log.h"
#include "daemon/store/internal.h"
#include "daemon/store/page.h"

_Static_assert(STORE_ROOT == META_END, "a root is all of a meta page that LMDB uses");

/* The file has two places, a page each, so that a write of one cannot damage the other. The one
 * with the higher number counts. */
#define PLACE 4096
#define MAGIC "authzd root 1"

enum kind {
	NONE = 0, /* every commit was synced */
	STANDS,   /* the root counts in another boot */
	BROKEN,   /* it counts in any: a sync failed */
};

struct place {
	char magic[16];
	uint64_t number;
	uint64_t commit;
	uint32_t page_size;
	uint32_t kind;
	char boot[STORE_BOOT];
	uint8_t root[STORE_ROOT];
	uint32_t zero;
	uint32_t crc; /* of all before */
};
_Static_assert(sizeof(struct place) == 240, "without gaps");

/* --- the file --------------------------------------------------------------------------------- */

static int name_file(const char *path, char out[static PATH_MAX])
{
	return (size_t)snprintf(out, PATH_MAX, "%s" STORE_CHECKPOINT_SUFFIX, path) < PATH_MAX
		       ? 0
		       : -ENAMETOOLONG;
}

static uint32_t crc_of(const struct place *place)
{
	return secret_crc32((struct pol_str){ (const char *)place, offsetof(struct place, crc) });
}

static void encode(const struct store_checkpoint *checkpoint, const struct store_root *root,
	uint64_t number, uint8_t out[static PLACE])
{
	struct place place = {
		.magic = MAGIC,
		.number = number,
		.commit = root->commit,
		.page_size = root->page_size,
		.kind = root->kind,
	};

	memcpy(place.boot, checkpoint->boot, sizeof place.boot);
	memcpy(place.root, root->bytes, sizeof place.root);
	place.crc = crc_of(&place);
	memset(out, 0, PLACE);
	memcpy(out, &place, sizeof place);
}

static bool decode(const uint8_t bytes[static PLACE], struct place *out)
{
	memcpy(out, bytes, sizeof *out);
	return memcmp(out->magic, MAGIC, sizeof MAGIC) == 0 && out->crc == crc_of(out) &&
	       out->kind <= BROKEN && out->boot[STORE_BOOT - 1] == '\0';
}

static int write_at(int fd, const uint8_t bytes[static PLACE], unsigned at)
{
	ssize_t n = pwrite(fd, bytes, PLACE, (off_t)at * PLACE);

	return n == PLACE ? 0 : n < 0 ? -errno : -ENOSPC;
}

/* Writes the place that does not count, which then counts. */
static int write_place(struct store *store, const struct store_root *root)
{
	struct store_checkpoint *checkpoint = &store->checkpoint;
	uint8_t bytes[PLACE];
	int r;

	encode(checkpoint, root, checkpoint->number + 1, bytes);
	r = write_at(checkpoint->fd, bytes, (checkpoint->number + 1) % 2);
	if (r == 0 && fdatasync(checkpoint->fd) < 0) {
		r = -errno;
	}
	if (r == 0) {
		checkpoint->number++;
	}
	return r;
}

/* Makes the file aside, with no root, and renames it. */
static int make_file(struct store *store, const char *path)
{
	struct store_checkpoint *checkpoint = &store->checkpoint;
	const struct store_root none = { .kind = NONE };
	char name[PATH_MAX], aside[PATH_MAX];
	uint8_t bytes[PLACE];
	int fd, r = name_file(path, name);

	if (r < 0 ||
		(size_t)snprintf(aside, PATH_MAX, "%.*s.new", PATH_MAX - 5, name) >= PATH_MAX) {
		return -ENAMETOOLONG;
	}
	unlink(aside);
	fd = open(aside, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0) {
		return -errno;
	}
	encode(checkpoint, &none, 0, bytes);
	r = write_at(fd, bytes, 0);
	if (r == 0) {
		encode(checkpoint, &none, 1, bytes);
		r = write_at(fd, bytes, 1);
	}
	if (r == 0 && (fsync(fd) < 0 || rename(aside, name) < 0)) {
		r = -errno;
	}
	r = r == 0 ? durable_sync_folder(name) : r;
	if (r < 0) {
		unlink(aside);
		close(fd);
		return r;
	}
	checkpoint->fd = fd;
	checkpoint->number = 1;
	return 0;
}

/* --- a start ---------------------------------------------------------------------------------- */

/* Which boot this is. Empty: there is no /proc. */
static void read_boot(char out[static STORE_BOOT])
{
	int fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
	ssize_t n;

	memset(out, 0, STORE_BOOT);
	if (fd >= 0) {
		n = read(fd, out, STORE_BOOT - 1);
		out[n > 0 ? n : 0] = '\0';
		out[strcspn(out, "\n")] = '\0';
		close(fd);
	}
}

static int read_places(
	struct store *store, const char *name, struct place *out, char why[static STORE_WHY])
{
	struct place places[2];
	uint8_t bytes[PLACE];
	bool good[2] = { false, false };
	unsigned later;

	for (unsigned i = 0; i < 2; i++) {
		good[i] = pread(store->checkpoint.fd, bytes, PLACE, (off_t)i * PLACE) == PLACE &&
			  decode(bytes, &places[i]);
	}
	if (!good[0] && !good[1]) {
		return store_why(why, -EBADMSG,
			"%s: was altered: if the machine lost its power since authzd ran, the "
			"store beside it may be damaged: remove both, and join the shared store "
			"again; else remove this file",
			name);
	}
	later = good[0] && (!good[1] || places[0].number > places[1].number) ? 0 : 1;
	*out = places[later];
	store->checkpoint.number = out->number;
	return 0;
}

/* Puts the root into a meta page of LMDB, as that of this commit. */
static int put_root(const struct store *store, const struct place *place, uint64_t commit)
{
	uint8_t root[STORE_ROOT];
	uint64_t page = commit % 2;
	ssize_t n;

	memcpy(root, place->root, sizeof root);
	memcpy(root, &page, sizeof page);
	memcpy(root + META_COMMIT, &commit, sizeof commit);
	n = pwrite(store->lock_fd, root, sizeof root, (off_t)(page * place->page_size));
	return n == (ssize_t)sizeof root ? 0 : n < 0 ? -errno : -ENOSPC;
}

/* Has the data file a commit like the checkpoint's, or later ones? One that was put in its place
 * has not, or the start's check finds that the root does not fit. */
static bool belongs(const struct store *store, const struct place *place)
{
	uint8_t root[STORE_ROOT];
	bool found = false;

	for (unsigned i = 0; i < 2; i++) {
		found = found || (pread(store->lock_fd, root, sizeof root,
					  (off_t)i * place->page_size) == (ssize_t)sizeof root &&
					 get64(root + META_COMMIT) >= place->commit);
	}
	return found;
}

static int put_back(struct store *store, const struct place *place, const char *path)
{
	int r;

	if (!belongs(store, place)) {
		return 0;
	}
	/* The page of the commit before gets the same content: one commit follows the other. */
	r = put_root(store, place, place->commit - 1);
	if (r == 0) {
		r = put_root(store, place, place->commit);
	}
	if (r == 0 && fsync(store->lock_fd) < 0) {
		r = -errno;
	}
	if (r == 0) {
		log_warn("the machine or its disk failed: the store is as it was shortly before, "
			 "and the shared log brings the rest",
			"path=%s commit=%llu", path, (unsigned long long)place->commit);
	}
	return r;
}

static int recover(
	struct store *store, const char *path, const char *name, char why[static STORE_WHY])
{
	const struct store_root none = { .kind = NONE };
	struct place place;
	int r = store_check_beside(store->checkpoint.fd, name, why);

	if (r == 0) {
		r = read_places(store, name, &place, why);
	}
	if (r < 0 || place.kind == NONE) {
		return r;
	}
	if (place.kind == BROKEN || strcmp(place.boot, store->checkpoint.boot) != 0 ||
		fsync(store->lock_fd) < 0) {
		r = put_back(store, &place, path);
	}
	r = r == 0 ? write_place(store, &none) : r;
	return r == 0 ? 0 : store_why(why, r, "%s: %s", path, strerror(-r));
}

int store_recover(struct store *store, const char *path, char why[static STORE_WHY])
{
	struct store_checkpoint *checkpoint = &store->checkpoint;
	char name[PATH_MAX];
	int r = name_file(path, name);

	if (r < 0) {
		return store_why(why, r, "%s: is too long", path);
	}
	read_boot(checkpoint->boot);
	checkpoint->fd = open(name, O_RDWR | O_CLOEXEC | O_NONBLOCK | O_NOCTTY | O_NOFOLLOW);
	if (checkpoint->fd < 0) {
		return errno == ENOENT ? 0
				       : store_why(why, -errno, "%s: %s", name, strerror(errno));
	}
	return recover(store, path, name, why);
}

/* --- while it runs ---------------------------------------------------------------------------- */

/* Reads LMDB's root of a commit that is one of the last two. */
static int read_root(const struct store *store, uint64_t commit, struct store_root *out)
{
	MDB_stat stat;
	int r = store_error(mdb_env_stat(store->env, &stat));

	if (r < 0) {
		return r;
	}
	*out = (struct store_root){ commit, stat.ms_psize, STANDS, { 0 } };
	if (pread(store->lock_fd, out->bytes, STORE_ROOT, (off_t)(commit % 2 * stat.ms_psize)) !=
			STORE_ROOT ||
		get64(out->bytes + META_COMMIT) != commit) {
		return -EIO;
	}
	return 0;
}

/* Pages that this process has shown as committed may be lost. */
static _Noreturn void end_process(struct store *store, int error)
{
	store->checkpoint.root.kind = BROKEN;
	(void)write_place(store, &store->checkpoint.root);
	store_end_damaged(error);
}

/* Notes the last commit as the next checkpoint, if none is noted. All of it is synced. */
static int note_next(struct store *store)
{
	struct store_checkpoint *checkpoint = &store->checkpoint;
	int r;

	if (checkpoint->next_reader != NULL) {
		return 0;
	}
	r = store_error(mdb_txn_begin(store->env, NULL, MDB_RDONLY, &checkpoint->next_reader));
	if (r < 0) {
		checkpoint->next_reader = NULL;
		return r;
	}
	r = read_root(store, mdb_txn_id(checkpoint->next_reader), &checkpoint->next);
	if (r < 0) {
		mdb_txn_abort(checkpoint->next_reader);
		checkpoint->next_reader = NULL;
	}
	return r;
}

/* Writes what was noted. After a failure the file may have it or not, so both readers stay. */
static int advance(struct store *store)
{
	struct store_checkpoint *checkpoint = &store->checkpoint;
	int r = note_next(store);

	r = r == 0 ? write_place(store, &checkpoint->next) : r;
	if (r == 0) {
		mdb_txn_abort(checkpoint->reader);
		checkpoint->reader = checkpoint->next_reader;
		checkpoint->root = checkpoint->next;
		checkpoint->next_reader = NULL;
	} else if (!checkpoint->failed) {
		log_error("cannot write the store's checkpoint: until this works again the store "
			  "grows",
			"error=%s", strerror(-r));
	}
	checkpoint->failed = r < 0;
	return r;
}

bool store_checkpoint_stands(struct store *store)
{
	struct store_checkpoint *checkpoint = &store->checkpoint;

	if (checkpoint->reader != NULL) {
		return true;
	}
	if (checkpoint->boot[0] == '\0' || store->opened == NULL ||
		(checkpoint->fd < 0 && make_file(store, store->opened) < 0)) {
		return false;
	}
	return advance(store) == 0;
}

int store_checkpoint(struct store *store)
{
	struct store_checkpoint *checkpoint = &store->checkpoint;
	uint64_t last = store_commits(store);
	int r = store_error(mdb_env_sync(store->env, 1));

	if (r < 0) {
		end_process(store, r);
	}
	while (r == 0 && checkpoint->root.commit < last) {
		r = advance(store);
	}
	if (r == 0) {
		checkpoint->since = 0;
	}
	return r;
}

void store_checkpoint_end(struct store *store)
{
	const struct store_root none = { .kind = NONE };

	if (store->checkpoint.reader != NULL && write_place(store, &none) == 0) {
		store_checkpoint_close(store);
	}
}

void store_checkpoint_close(struct store *store)
{
	struct store_checkpoint *checkpoint = &store->checkpoint;

	mdb_txn_abort(checkpoint->reader);
	mdb_txn_abort(checkpoint->next_reader);
	checkpoint->reader = NULL;
	checkpoint->next_reader = NULL;
	checkpoint->root.commit = 0;
	checkpoint->since = 0;
}
