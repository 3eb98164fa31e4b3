/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * copy: a copy of the whole store, and a store made from one.
 */

#include <stddef.h>
#include <stdint.h>

struct store;
struct store_options;

#define STORE_WHY 512 /* bytes of the sentence that says what is wrong */

/*
 * One state of the store in pieces, each tagged over the one before it. It contains neither retries
 * nor the pepper. While it is open its transaction keeps old pages of the file in use, so close it
 * soon. One thread uses it at a time.
 */
struct store_copy;

#define STORE_COPY_PIECE ((size_t)256 << 10) /* bytes that store_copy_next needs room for */

int store_copy_open(struct store *store, struct store_copy **out);
/* The same with retries: for another host of the same realm. */
int store_copy_open_whole(struct store *store, struct store_copy **out);
/* Gives the next piece, *out_len bytes. cap: at least STORE_COPY_PIECE. 1: it is the last; 0: there
 * are more; or a negative errno. */
int store_copy_next(struct store_copy *copy, uint8_t *bytes, size_t cap, size_t *out_len);
/* How many records were copied, and how many there are. */
void store_copy_progress(const struct store_copy *copy, uint64_t *out_done, uint64_t *out_total);
void store_copy_close(struct store_copy *copy); /* NULL is ignored */

/* Reads the next piece of a copy in a file that can seek, as store_copy_next gave it. `bytes` has
 * STORE_COPY_ROOM bytes. 1: it is the last; 0: there are more; -EBADMSG: the file is cut short, or
 * is no copy. Nothing else is checked (shared.h: store_replace). */
#define STORE_COPY_ROOM (((size_t)1 << 20) + 64)
int store_copy_read(int fd, uint8_t *bytes, size_t *out_len);

struct store_restored {
	uint64_t records;
	uint64_t head;  /* count of the trail's head here, before */
	uint64_t count; /* of the copy's trail */
};
/*
 * Replaces the store at options->path, if there is one, by the copy that fd reads. No daemon may
 * run. The old data file stays beside the new one, with the suffix `.before`. A copy without the
 * entry of the trail's head is refused unless options->accept_rollback, and one with keys that
 * need a pepper which options->pepper does not hold unless options->accept_lost. The new store's
 * trail gets an entry about the restore. *out is set on success.
 */
int store_restore(const struct store_options *options, int fd, struct store_restored *out,
	char why[static STORE_WHY]);
