/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/host/log_sink.h"

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "daemon/host/log_file.h"
#include "daemon/host/redact.h"
#include "daemon/host/signals.h"

/* ms beyond the deadline, for a thread that blocks in a write at the end. */
#define GRACE 500

struct buffer {
	char *bytes;
	size_t len;
	uint64_t lines;
};

struct log_sink {
	struct log_sink_options options;
	struct log_file file;
	pthread_t thread;
	bool running;

	pthread_mutex_t lock; /* of all below */
	pthread_cond_t wake;
	pthread_cond_t ended;
	bool has_lock;
	struct buffer filling;
	struct buffer writing; /* the thread's, while it has taken it */
	uint64_t written, dropped;
	uint64_t unreported; /* dropped lines that no line reports yet */
	bool sleeping;       /* the thread waits for the first line */
	bool reopen;
	bool stop;
	bool done; /* the thread has written all */
};

static struct timespec after(unsigned ms)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	time.tv_sec += ms / 1000;
	time.tv_nsec += (long)(ms % 1000) * 1000000;
	if (time.tv_nsec >= 1000000000) {
		time.tv_sec++;
		time.tv_nsec -= 1000000000;
	}
	return time;
}

/* --- the thread ------------------------------------------------------------------------------- */

/* With the lock. */
static void report_dropped(struct log_sink *sink)
{
	struct buffer *buffer = &sink->filling;
	char line[LOG_SINK_DROPPED];
	size_t len;

	if (sink->unreported == 0) {
		return;
	}
	len = sink->options.format_dropped(line, sink->unreported);
	if (len <= sink->options.buffer - buffer->len) {
		memcpy(buffer->bytes + buffer->len, line, len);
		buffer->len += len;
		sink->unreported = 0;
	}
}

/* Waits, with the lock, until there is something to do. Returns false at the end. */
static bool wait_for_work(struct log_sink *sink)
{
	struct timespec until;

	while (sink->filling.len == 0 && !sink->reopen && !sink->stop) {
		sink->sleeping = true;
		pthread_cond_wait(&sink->wake, &sink->lock);
		sink->sleeping = false;
	}
	until = after(sink->options.pause);
	while (sink->filling.len < sink->options.buffer / 2 && !sink->reopen && !sink->stop) {
		if (pthread_cond_timedwait(&sink->wake, &sink->lock, &until) == ETIMEDOUT) {
			break;
		}
	}
	return !sink->stop || sink->filling.len > 0;
}

static void *run(void *argument)
{
	struct log_sink *sink = argument;

	pthread_mutex_lock(&sink->lock);
	while (wait_for_work(sink)) {
		struct buffer taken = sink->filling;
		bool reopen = sink->reopen;
		uint64_t lines = 0;

		sink->filling = sink->writing;
		sink->filling.len = 0;
		sink->filling.lines = 0;
		sink->writing = taken;
		sink->reopen = false;
		pthread_mutex_unlock(&sink->lock);
		if (taken.len > 0) {
			lines = log_file_write(&sink->file, taken.bytes, taken.len, taken.lines);
		}
		if (reopen) {
			log_file_reopen(&sink->file);
		}
		pthread_mutex_lock(&sink->lock);
		sink->written += lines;
		sink->dropped += taken.lines - lines;
		sink->unreported += taken.lines - lines;
		report_dropped(sink);
	}
	sink->done = true;
	pthread_cond_signal(&sink->ended);
	pthread_mutex_unlock(&sink->lock);
	return NULL;
}

/* --- any thread ------------------------------------------------------------------------------- */

static void write_now(const char *lines, size_t len)
{
	ssize_t n;

	do {
		n = write(STDERR_FILENO, lines, len);
	} while (n < 0 && errno == EINTR);
}

void log_sink_put(struct log_sink *sink, char *lines, size_t len)
{
	struct buffer *buffer;
	bool wake = false;
	uint64_t count;

	len = redact_tokens(lines, len, "...");
	if (sink == NULL) {
		write_now(lines, len);
		return;
	}
	buffer = &sink->filling;
	count = log_file_count_lines(lines, len);
	pthread_mutex_lock(&sink->lock);
	if (len > sink->options.buffer - buffer->len) {
		sink->dropped += count;
		sink->unreported += count;
	} else {
		bool half = buffer->len < sink->options.buffer / 2;

		memcpy(buffer->bytes + buffer->len, lines, len);
		buffer->len += len;
		buffer->lines += count;
		half = half && buffer->len >= sink->options.buffer / 2;
		wake = sink->sleeping || half;
	}
	pthread_mutex_unlock(&sink->lock);
	if (wake) {
		pthread_cond_signal(&sink->wake);
	}
}

void log_sink_reopen(struct log_sink *sink)
{
	pthread_mutex_lock(&sink->lock);
	sink->reopen = true;
	pthread_mutex_unlock(&sink->lock);
	pthread_cond_signal(&sink->wake);
}

void log_sink_count(struct log_sink *sink, struct log_sink_counts *out)
{
	pthread_mutex_lock(&sink->lock);
	*out = (struct log_sink_counts){ .written = sink->written, .dropped = sink->dropped };
	pthread_mutex_unlock(&sink->lock);
}

/* --- its life --------------------------------------------------------------------------------- */

static int init_lock(struct log_sink *sink)
{
	pthread_condattr_t clock;
	int r = pthread_condattr_init(&clock);

	if (r != 0) {
		return -r;
	}
	r = pthread_condattr_setclock(&clock, CLOCK_MONOTONIC);
	r = r != 0 ? r : pthread_cond_init(&sink->wake, &clock);
	r = r != 0 ? r : pthread_cond_init(&sink->ended, &clock);
	pthread_condattr_destroy(&clock);
	r = r != 0 ? r : pthread_mutex_init(&sink->lock, NULL);
	sink->has_lock = r == 0;
	return -r;
}

int log_sink_create(const struct log_sink_options *options, struct log_sink **out)
{
	struct log_sink *sink = calloc(1, sizeof *sink);
	int r;

	if (sink == NULL) {
		return -ENOMEM;
	}
	sink->options = *options;
	sink->file.name = options->name;
	sink->file.mode = options->mode;
	sink->file.has_group = options->has_group;
	sink->file.group = options->group;
	r = log_file_open(&sink->file, options->path, options->fd);
	if (r == 0) {
		/* Pages that no line touched take no memory. */
		sink->filling.bytes = calloc(1, options->buffer);
		sink->writing.bytes = calloc(1, options->buffer);
		r = sink->filling.bytes != NULL && sink->writing.bytes != NULL ? 0 : -ENOMEM;
	}
	if (r == 0) {
		r = init_lock(sink);
	}
	if (r < 0) {
		log_sink_destroy(sink);
		return r;
	}
	*out = sink;
	return 0;
}

int log_sink_start(struct log_sink *sink)
{
	sigset_t before;
	int r;

	signals_block(&before);
	r = pthread_create(&sink->thread, NULL, run, sink);
	signals_restore(&before);
	sink->running = r == 0;
	return -r;
}

/* True: the thread has ended. Otherwise it blocks in a write that another process prevents. */
static bool stop_thread(struct log_sink *sink)
{
	const struct timespec until = after(LOG_SINK_DRAIN + GRACE);
	bool done;

	atomic_store(&sink->file.deadline, log_file_now() + LOG_SINK_DRAIN);
	pthread_mutex_lock(&sink->lock);
	sink->stop = true;
	pthread_cond_signal(&sink->wake);
	while (!sink->done &&
		pthread_cond_timedwait(&sink->ended, &sink->lock, &until) != ETIMEDOUT) {
	}
	done = sink->done;
	pthread_mutex_unlock(&sink->lock);
	if (done) {
		pthread_join(sink->thread, NULL);
	}
	return done;
}

uint64_t log_sink_destroy(struct log_sink *sink)
{
	struct log_sink_counts counts;

	if (sink == NULL) {
		return 0;
	}
	if (sink->running && !stop_thread(sink)) {
		/* The thread still uses the sink, so it is not freed: the process is about to end.
		 */
		log_sink_count(sink, &counts);
		return counts.dropped;
	}
	counts.dropped = sink->dropped;
	log_file_close(&sink->file);
	if (sink->has_lock) {
		pthread_mutex_destroy(&sink->lock);
		pthread_cond_destroy(&sink->ended);
		pthread_cond_destroy(&sink->wake);
	}
	free(sink->filling.bytes);
	free(sink->writing.bytes);
	free(sink);
	return counts.dropped;
}
