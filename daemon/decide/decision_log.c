/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/decide/decision_log.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "daemon/host/log.h"

/* A pipe that says that it takes something takes as much (pipe(7), PIPE_BUF). */
#define PIECE 4096

struct buffer {
	char *bytes;
	size_t len;
	uint64_t lines;
};

struct decision_log {
	const char *path; /* NULL: standard output */
	int fd;
	bool regular;             /* never waits */
	bool torn;                /* the last write ended within a line */
	bool failing;             /* said so */
	_Atomic int64_t deadline; /* ms; 0: it is not the end */
	pthread_t thread;
	bool running;

	pthread_mutex_t lock; /* of all below */
	pthread_cond_t wake;
	bool has_lock;
	struct buffer filling;
	struct buffer writing; /* the thread's, while it has taken it */
	uint64_t written, dropped;
	uint64_t unreported; /* of the dropped ones: no line says so yet */
	bool sleeping;       /* the thread waits for the first line */
	bool reopen;
	bool stop;
};

/* --- the file --------------------------------------------------------------------------------- */

static int open_file(const char *path)
{
	/* Without O_NONBLOCK a named pipe without a reader would hold up the start. */
	int fd =
		open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, 0600);

	return fd < 0 ? -errno : fd;
}

static void use_file(struct decision_log *log, int fd)
{
	struct stat stat;

	if (log->fd >= 0 && log->fd != STDOUT_FILENO) {
		close(log->fd);
	}
	log->fd = fd;
	log->regular = fstat(fd, &stat) == 0 && S_ISREG(stat.st_mode);
	log->torn = false;
}

static void reopen_file(struct decision_log *log)
{
	int fd;

	if (log->path == NULL) {
		return;
	}
	fd = open_file(log->path);
	if (fd < 0) {
		log_error("the decision log cannot be reopened, writing continues to the old one",
			"path=%s error=%s", log->path, strerror(-fd));
		return;
	}
	use_file(log, fd);
}

static int64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* May a piece be written now? false: it is the end, and the reader of the pipe holds it up. */
static bool wait_for_room(struct decision_log *log)
{
	struct pollfd ready = { .fd = log->fd, .events = POLLOUT };

	while (!log->regular && poll(&ready, 1, DECISION_LOG_PAUSE) <= 0) {
		int64_t deadline = atomic_load(&log->deadline);

		if (deadline != 0 && now_ms() >= deadline) {
			return false;
		}
	}
	return true;
}

/* How many bytes of it were written; fewer than all: it failed, or nobody reads. */
static size_t write_some(struct decision_log *log, const char *bytes, size_t len)
{
	size_t done = 0;

	while (done < len) {
		size_t piece = log->regular || len - done < PIECE ? len - done : PIECE;
		ssize_t n;

		if (!wait_for_room(log)) {
			return done;
		}
		n = write(log->fd, bytes + done, piece);
		if (n < 0 && (errno == EINTR || errno == EAGAIN)) {
			continue;
		}
		if (n < 0) {
			if (!log->failing) {
				log_error("the decision log takes no more", "error=%s",
					strerror(errno));
			}
			log->failing = true;
			return done;
		}
		done += (size_t)n;
	}
	return done;
}

static uint64_t count_lines(const char *bytes, size_t len)
{
	uint64_t lines = 0;

	for (size_t i = 0; i < len; i++) {
		lines += bytes[i] == '\n';
	}
	return lines;
}

/* Gives how many lines were written whole. */
static uint64_t write_buffer(struct decision_log *log, const struct buffer *buffer)
{
	uint64_t lines;
	size_t done;

	if (log->torn && write_some(log, "\n", 1) == 1) {
		log->torn = false;
	}
	done = log->torn ? 0 : write_some(log, buffer->bytes, buffer->len);
	if (done == buffer->len) {
		if (log->failing) {
			log_info("the decision log goes on", "lines=%llu",
				(unsigned long long)buffer->lines);
		}
		log->failing = false;
		return buffer->lines;
	}
	log->torn = log->torn || (done > 0 && buffer->bytes[done - 1] != '\n');
	/* A line that reports dropped ones is no decision. */
	lines = count_lines(buffer->bytes, done);
	return lines < buffer->lines ? lines : buffer->lines;
}

/* --- the thread ------------------------------------------------------------------------------- */

/* Puts a line that says what was dropped; with the lock. */
static void report_dropped(struct decision_log *log)
{
	struct buffer *buffer = &log->filling;
	char line[64];
	int len;

	if (log->unreported == 0) {
		return;
	}
	len = snprintf(
		line, sizeof line, "{\"dropped\":%llu}\n", (unsigned long long)log->unreported);
	if ((size_t)len <= DECISION_LOG_BUFFER - buffer->len) {
		memcpy(buffer->bytes + buffer->len, line, (size_t)len);
		buffer->len += (size_t)len;
		log->unreported = 0;
	}
}

/* Waits, with the lock, until there is something to do. Gives false at the end. */
static bool wait_for_work(struct decision_log *log)
{
	struct timespec until;

	while (log->filling.len == 0 && !log->reopen && !log->stop) {
		log->sleeping = true;
		pthread_cond_wait(&log->wake, &log->lock);
		log->sleeping = false;
	}
	/* One wake-up for many lines. */
	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_nsec += DECISION_LOG_PAUSE * 1000000;
	if (until.tv_nsec >= 1000000000) {
		until.tv_sec++;
		until.tv_nsec -= 1000000000;
	}
	while (log->filling.len < DECISION_LOG_BUFFER / 2 && !log->reopen && !log->stop) {
		if (pthread_cond_timedwait(&log->wake, &log->lock, &until) == ETIMEDOUT) {
			break;
		}
	}
	return !log->stop || log->filling.len > 0;
}

static void *run(void *argument)
{
	struct decision_log *log = argument;

	pthread_mutex_lock(&log->lock);
	while (wait_for_work(log)) {
		struct buffer taken = log->filling;
		bool reopen = log->reopen;
		uint64_t lines = 0;

		log->filling = log->writing;
		log->filling.len = 0;
		log->filling.lines = 0;
		log->writing = taken;
		log->reopen = false;
		pthread_mutex_unlock(&log->lock);
		if (taken.len > 0) {
			lines = write_buffer(log, &taken);
		}
		if (reopen) {
			reopen_file(log);
		}
		pthread_mutex_lock(&log->lock);
		log->written += lines;
		log->dropped += taken.lines - lines;
		log->unreported += taken.lines - lines;
		report_dropped(log);
	}
	pthread_mutex_unlock(&log->lock);
	return NULL;
}

/* --- any thread ------------------------------------------------------------------------------- */

void decision_log_put(struct decision_log *log, const char *line, size_t len)
{
	struct buffer *buffer = &log->filling;
	bool wake = false;

	pthread_mutex_lock(&log->lock);
	if (len > DECISION_LOG_BUFFER - buffer->len) {
		log->dropped++;
		log->unreported++;
	} else {
		bool half = buffer->len < DECISION_LOG_BUFFER / 2;

		memcpy(buffer->bytes + buffer->len, line, len);
		buffer->len += len;
		buffer->lines++;
		half = half && buffer->len >= DECISION_LOG_BUFFER / 2;
		wake = log->sleeping || half;
	}
	pthread_mutex_unlock(&log->lock);
	if (wake) {
		pthread_cond_signal(&log->wake);
	}
}

void decision_log_reopen(struct decision_log *log)
{
	pthread_mutex_lock(&log->lock);
	log->reopen = true;
	pthread_mutex_unlock(&log->lock);
	pthread_cond_signal(&log->wake);
}

void decision_log_count(struct decision_log *log, struct decision_log_counts *out)
{
	pthread_mutex_lock(&log->lock);
	*out = (struct decision_log_counts){ .written = log->written, .dropped = log->dropped };
	pthread_mutex_unlock(&log->lock);
}

/* --- its life --------------------------------------------------------------------------------- */

static int init_lock(struct decision_log *log)
{
	pthread_condattr_t clock;
	int r = pthread_condattr_init(&clock);

	if (r != 0) {
		return -r;
	}
	r = pthread_condattr_setclock(&clock, CLOCK_MONOTONIC);
	r = r != 0 ? r : pthread_cond_init(&log->wake, &clock);
	pthread_condattr_destroy(&clock);
	if (r != 0) {
		return -r;
	}
	r = pthread_mutex_init(&log->lock, NULL);
	if (r != 0) {
		pthread_cond_destroy(&log->wake);
		return -r;
	}
	log->has_lock = true;
	return 0;
}

int decision_log_create(const char *path, struct decision_log **out)
{
	struct decision_log *log = calloc(1, sizeof *log);
	int r = -ENOMEM;

	if (log == NULL) {
		return -ENOMEM;
	}
	log->fd = -1;
	log->path = path;
	/* Pages that no line touched take no memory. */
	log->filling.bytes = calloc(1, DECISION_LOG_BUFFER);
	log->writing.bytes = calloc(1, DECISION_LOG_BUFFER);
	if (log->filling.bytes == NULL || log->writing.bytes == NULL) {
		goto fail;
	}
	r = path != NULL ? open_file(path) : STDOUT_FILENO;
	if (r < 0) {
		goto fail;
	}
	use_file(log, r);
	r = init_lock(log);
	if (r < 0) {
		goto fail;
	}
	*out = log;
	return 0;

fail:
	decision_log_destroy(log);
	return r;
}

int decision_log_start(struct decision_log *log)
{
	int r = pthread_create(&log->thread, NULL, run, log);

	log->running = r == 0;
	return -r;
}

void decision_log_destroy(struct decision_log *log)
{
	if (log == NULL) {
		return;
	}
	if (log->running) {
		atomic_store(&log->deadline, now_ms() + DECISION_LOG_DRAIN);
		pthread_mutex_lock(&log->lock);
		log->stop = true;
		pthread_mutex_unlock(&log->lock);
		pthread_cond_signal(&log->wake);
		pthread_join(log->thread, NULL);
	}
	if (log->dropped > 0) {
		log_warn("decisions were not logged", "dropped=%llu",
			(unsigned long long)log->dropped);
	}
	if (log->fd >= 0 && log->fd != STDOUT_FILENO) {
		close(log->fd);
	}
	if (log->has_lock) {
		pthread_mutex_destroy(&log->lock);
		pthread_cond_destroy(&log->wake);
	}
	free(log->filling.bytes);
	free(log->writing.bytes);
	free(log);
}
