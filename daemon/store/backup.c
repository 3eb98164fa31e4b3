/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/store/backup.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "daemon/host/log.h"
#include "daemon/secret/token.h"
#include "daemon/store/env.h"

struct backup {
	struct store *store;
	pthread_mutex_t lock;    /* of what follows */
	struct store_copy *copy; /* NULL: none is open */
	uint8_t id[BACKUP_ID];
	int64_t began; /* seconds, monotonic */
	int64_t touched;
};

static int64_t monotonic(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec;
}

static bool is_over(const struct backup *backup)
{
	int64_t now = monotonic();

	return now - backup->touched > BACKUP_IDLE || now - backup->began > BACKUP_LONGEST;
}

/* The lock is held. */
static void end(struct backup *backup)
{
	store_copy_close(backup->copy);
	backup->copy = NULL;
}

int backup_create(struct store *store, struct backup **out)
{
	struct backup *backup = calloc(1, sizeof *backup);
	int r;

	if (backup == NULL) {
		return -ENOMEM;
	}
	backup->store = store;
	r = -pthread_mutex_init(&backup->lock, NULL);
	if (r < 0) {
		free(backup);
		return r;
	}
	*out = backup;
	return 0;
}

void backup_tick(struct backup *backup)
{
	pthread_mutex_lock(&backup->lock);
	if (backup->copy != NULL && is_over(backup)) {
		log_warn("dropped a copy of the store: no peer asked for its next piece in time",
			"idle_s=%d longest_s=%d", BACKUP_IDLE, BACKUP_LONGEST);
		end(backup);
	}
	pthread_mutex_unlock(&backup->lock);
}

void backup_destroy(struct backup *backup)
{
	if (backup != NULL) {
		end(backup);
		pthread_mutex_destroy(&backup->lock);
		free(backup);
	}
}

/* The lock is held. */
static int begin(struct backup *backup)
{
	int r;

	if (backup->copy != NULL && !is_over(backup)) {
		return -EBUSY;
	}
	end(backup);
	r = store_copy_open(backup->store, &backup->copy);
	if (r == 0) {
		backup->began = monotonic();
	}
	return r;
}

/* The lock is held. */
static int find(const struct backup *backup, const uint8_t *id)
{
	bool found =
		backup->copy != NULL && !is_over(backup) && secret_equal(id, backup->id, BACKUP_ID);

	return found ? 0 : -ESTALE;
}

/* The lock is held. */
static int take(struct backup *backup, struct backup_piece *piece)
{
	int r = store_copy_next(backup->copy, piece->bytes, STORE_COPY_PIECE, &piece->len);

	store_copy_progress(backup->copy, &piece->done, &piece->total);
	if (r != 0) {
		end(backup);
		return r;
	}
	secret_random(backup->id, sizeof backup->id);
	memcpy(piece->id, backup->id, sizeof piece->id);
	backup->touched = monotonic();
	return 0;
}

int backup_next(struct backup *backup, const uint8_t *id, struct backup_piece *piece)
{
	int r;

	pthread_mutex_lock(&backup->lock);
	r = id == NULL ? begin(backup) : find(backup, id);
	if (r == 0) {
		r = take(backup, piece);
	}
	pthread_mutex_unlock(&backup->lock);
	return r;
}
