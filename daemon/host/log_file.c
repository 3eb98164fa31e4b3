/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/host/log_file.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "daemon/host/log.h"

enum {
	PIECE = 4096, /* a pipe that has room takes as much (pipe(7), PIPE_BUF) */
	LOOK = 100,   /* ms, between looks at the deadline */
};

int64_t log_file_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

uint64_t log_file_count_lines(const char *bytes, size_t len)
{
	const char *end = bytes + len;
	uint64_t lines = 0;

	while (bytes < end && (bytes = memchr(bytes, '\n', (size_t)(end - bytes))) != NULL) {
		lines++;
		bytes++;
	}
	return lines;
}

/* Makes the file, and gives it to the group before the first line. */
static int make(const struct log_file *file, int flags)
{
	int fd = open(file->path, flags | O_CREAT | O_EXCL, file->mode != 0 ? file->mode : 0600);
	int r;

	if (fd < 0) {
		return -errno;
	}
	if (file->has_group && fchown(fd, (uid_t)-1, file->group) != 0) {
		r = -errno;
		close(fd);
		return r;
	}
	return fd;
}

static int open_path(const struct log_file *file)
{
	/* Without O_NONBLOCK the open of a named pipe would wait for a reader. */
	const int flags = O_WRONLY | O_APPEND | O_CLOEXEC | O_NOCTTY | O_NONBLOCK;
	int fd = open(file->path, flags);

	if (fd < 0 && errno == ENOENT) {
		fd = make(file, flags);
		if (fd == -EEXIST) { /* made meanwhile, or a link to a file that is to be made */
			fd = open(file->path, flags | O_CREAT, 0600);
			return fd < 0 ? -errno : fd;
		}
		return fd;
	}
	return fd < 0 ? -errno : fd;
}

static void use(struct log_file *file, int fd)
{
	struct stat stat;

	log_file_close(file);
	file->fd = fd;
	file->regular = fstat(fd, &stat) == 0 && S_ISREG(stat.st_mode);
	file->torn = false;
}

int log_file_open(struct log_file *file, const char *path, int fd)
{
	file->path = path;
	file->fd = -1;
	if (path != NULL) {
		fd = open_path(file);
	}
	if (fd < 0) {
		return fd;
	}
	use(file, fd);
	return 0;
}

void log_file_reopen(struct log_file *file)
{
	int fd;

	if (file->path == NULL) {
		return;
	}
	fd = open_path(file);
	if (fd < 0) {
		log_error("a log cannot be reopened, writing continues to the old file",
			"log=%s path=%s error=%s", file->name, file->path, strerror(-fd));
		return;
	}
	use(file, fd);
}

void log_file_close(struct log_file *file)
{
	if (file->path != NULL && file->fd >= 0) {
		close(file->fd);
	}
	file->fd = -1;
}

/* False: the deadline has passed, and the reader does not read. */
static bool wait_for_room(struct log_file *file)
{
	struct pollfd ready = { .fd = file->fd, .events = POLLOUT };

	while (!file->regular && poll(&ready, 1, LOOK) <= 0) {
		int64_t deadline = atomic_load(&file->deadline);

		if (deadline != 0 && log_file_now() >= deadline) {
			return false;
		}
	}
	return true;
}

/* As many whole lines as fit a piece, so that lines of other writers come between them and not
 * within them. */
static size_t piece_of(const struct log_file *file, const char *bytes, size_t len)
{
	size_t piece = PIECE;

	if (file->regular || len <= PIECE) {
		return len;
	}
	while (piece > 0 && bytes[piece - 1] != '\n') {
		piece--;
	}
	return piece > 0 ? piece : PIECE;
}

/* Returns how many bytes were written; fewer than all: it failed, or nobody reads. */
static size_t write_some(struct log_file *file, const char *bytes, size_t len)
{
	size_t done = 0;

	while (done < len) {
		ssize_t n;

		if (!wait_for_room(file)) {
			return done;
		}
		n = write(file->fd, bytes + done, piece_of(file, bytes + done, len - done));
		if (n < 0 && (errno == EINTR || errno == EAGAIN)) {
			continue;
		}
		if (n < 0) {
			if (!file->failing && file->name != NULL) {
				log_error("a log takes no more", "log=%s error=%s", file->name,
					strerror(errno));
			}
			file->failing = true;
			return done;
		}
		done += (size_t)n;
	}
	return done;
}

uint64_t log_file_write(struct log_file *file, const char *bytes, size_t len, uint64_t lines)
{
	uint64_t whole;
	size_t done;

	if (file->torn && write_some(file, "\n", 1) == 1) {
		file->torn = false;
	}
	done = file->torn ? 0 : write_some(file, bytes, len);
	if (done == len) {
		if (file->failing && file->name != NULL) {
			log_info("a log goes on", "log=%s lines=%llu", file->name,
				(unsigned long long)lines);
		}
		file->failing = false;
		return lines;
	}
	file->torn = file->torn || (done > 0 && bytes[done - 1] != '\n');
	/* A line that reports dropped ones is not counted. */
	whole = log_file_count_lines(bytes, done);
	return whole < lines ? whole : lines;
}
