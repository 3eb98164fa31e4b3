/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/store/backup.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/host/log.h"
#include "daemon/secret/token.h"
#include "daemon/serve/server.h"
#include "daemon/store/env.h"

#define LOOK_EVERY 5000 /* ms */
#define SECOND     UINT64_C(1000000000)

struct backup {
	struct server *server;
	uv_timer_t timer;
	bool stopped;
	uv_mutex_t lock;         /* of what follows */
	struct store_copy *copy; /* NULL: none is taken */
	uint8_t id[BACKUP_ID];
	uint64_t began;
	uint64_t touched;
};

static bool is_over(const struct backup *backup)
{
	uint64_t now = uv_hrtime();

	return now - backup->touched > BACKUP_IDLE * SECOND ||
	       now - backup->began > BACKUP_LONGEST * SECOND;
}

/* The lock is held. */
static void end(struct backup *backup)
{
	store_copy_close(backup->copy);
	backup->copy = NULL;
}

static void on_timer(uv_timer_t *timer)
{
	struct backup *backup = timer->data;

	uv_mutex_lock(&backup->lock);
	if (backup->copy != NULL && is_over(backup)) {
		log_warn("a copy of the store was given up: nobody took its next piece in time",
			"idle_s=%d longest_s=%d", BACKUP_IDLE, BACKUP_LONGEST);
		end(backup);
	}
	uv_mutex_unlock(&backup->lock);
}

int backup_create(struct server *server, struct backup **out)
{
	struct backup *backup = calloc(1, sizeof *backup);
	int r;

	if (backup == NULL) {
		return -ENOMEM;
	}
	backup->server = server;
	r = uv_mutex_init(&backup->lock);
	if (r == 0) {
		r = uv_timer_init(&server->loop, &backup->timer);
		if (r < 0) {
			uv_mutex_destroy(&backup->lock);
		}
	}
	if (r < 0) {
		free(backup);
		return r;
	}
	backup->timer.data = backup;
	*out = backup;
	return uv_timer_start(&backup->timer, on_timer, LOOK_EVERY, LOOK_EVERY);
}

void backup_stop(struct backup *backup)
{
	if (backup != NULL && !backup->stopped) {
		backup->stopped = true;
		/* Its transaction is the store's. */
		uv_mutex_lock(&backup->lock);
		end(backup);
		uv_mutex_unlock(&backup->lock);
		uv_close((uv_handle_t *)&backup->timer, NULL);
	}
}

void backup_destroy(struct backup *backup)
{
	if (backup != NULL) {
		uv_mutex_destroy(&backup->lock);
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
	r = store_copy_open(backup->server->store, &backup->copy);
	if (r == 0) {
		backup->began = uv_hrtime();
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
	backup->touched = uv_hrtime();
	return 0;
}

int backup_next(struct server *server, const uint8_t *id, struct backup_piece *piece)
{
	struct backup *backup = server->backup;
	int r;

	uv_mutex_lock(&backup->lock);
	r = id == NULL ? begin(backup) : find(backup, id);
	if (r == 0) {
		r = take(backup, piece);
	}
	uv_mutex_unlock(&backup->lock);
	return r;
}
