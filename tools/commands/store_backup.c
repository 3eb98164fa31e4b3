/* SPDX-License-Identifier: Apache-2.0 */

/* store backup: a copy of the store of a daemon that runs. */

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tools/commands/commands.h"
#include "tools/record.h"
#include "tools/rpc.h"

#define MAX_CURSOR 256

struct backup {
	struct app *app;
	const char *path;
	char *aside; /* what is written, until it is whole */
	int fd;
	int64_t records;
	uint64_t bytes;
	bool progress;
};

static int fail_file(struct backup *backup, const char *path, int error)
{
	return app_fail(backup->app, EXIT_USAGE, "unreadable", "%s: %s", path, strerror(error));
}

static int write_piece(struct backup *backup, struct pol_str data)
{
	size_t done = 0;

	while (done < data.len) {
		ssize_t n = write(backup->fd, data.ptr + done, data.len - done);

		if (n < 0 && errno != EINTR) {
			return fail_file(backup, backup->aside, errno);
		}
		done += n > 0 ? (size_t)n : 0;
	}
	backup->bytes += data.len;
	return EXIT_YES;
}

/* One piece; the next one's cursor is kept, empty behind the last. */
static int take_piece(struct backup *backup, char cursor[static MAX_CURSOR], size_t *cursor_len)
{
	struct app *app = backup->app;
	struct wire_cursor result;
	struct params params;
	struct pol_str next;
	int status;

	params_begin(&params);
	if (*cursor_len > 0) {
		params_str(&params, "cursor", (struct pol_str){ cursor, *cursor_len });
	}
	status = rpc_call(app, "store.backup", &params, &result);
	if (status != EXIT_YES) {
		return status;
	}
	next = record_str(result, "cursor");
	if (next.len > MAX_CURSOR) {
		return app_fail(app, EXIT_DAEMON, "internal", "the daemon's cursor is too long");
	}
	memcpy(cursor, next.ptr != NULL ? next.ptr : "", next.len);
	*cursor_len = next.len;
	backup->records = record_int(result, "done", 0);
	if (backup->progress) {
		fprintf(stderr, "\r%" PRId64 " of %" PRId64 " records", backup->records,
			record_int(result, "total", 0));
	}
	return write_piece(backup, record_str(result, "data"));
}

static int take_all(struct backup *backup)
{
	char cursor[MAX_CURSOR];
	size_t cursor_len = 0;
	int status;

	do {
		status = take_piece(backup, cursor, &cursor_len);
	} while (status == EXIT_YES && cursor_len > 0);
	if (backup->progress) {
		fputs("\r\033[K", stderr);
	}
	return status;
}

/* Only now it is a copy: whole, on the disk, and under its name. */
static int finish(struct backup *backup)
{
	if (fsync(backup->fd) < 0) {
		return fail_file(backup, backup->aside, errno);
	}
	if (rename(backup->aside, backup->path) < 0) {
		return fail_file(backup, backup->path, errno);
	}
	return EXIT_YES;
}

static int open_aside(struct backup *backup)
{
	size_t size = strlen(backup->path) + sizeof ".part";

	backup->aside = malloc(size);
	if (backup->aside == NULL) {
		return app_fail(backup->app, EXIT_DAEMON, "internal", "out of memory");
	}
	snprintf(backup->aside, size, "%s.part", backup->path);
	unlink(backup->aside);
	backup->fd = open(backup->aside, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	return backup->fd < 0 ? fail_file(backup, backup->aside, errno) : EXIT_YES;
}

static void tell(const struct backup *backup)
{
	if (backup->app->want_json) {
		app_document(backup->app,
			json_pack("{s:o, s:I, s:I}", "file", document_text(backup->path), "records",
				(json_int_t)backup->records, "bytes", (json_int_t)backup->bytes));
	} else {
		printf("%s: %" PRId64 " records, %" PRIu64 " bytes\n", backup->path,
			backup->records, backup->bytes);
	}
}

static int run(struct app *app)
{
	struct backup backup = { .app = app,
		.path = app->args.words[0],
		.fd = -1,
		.progress = isatty(STDERR_FILENO) == 1 };
	int status = open_aside(&backup);

	if (status == EXIT_YES) {
		status = take_all(&backup);
	}
	if (status == EXIT_YES) {
		status = finish(&backup);
	}
	if (backup.fd >= 0) {
		close(backup.fd);
		if (status != EXIT_YES) {
			unlink(backup.aside);
		}
	}
	if (status == EXIT_YES) {
		tell(&backup);
	}
	free(backup.aside);
	return status;
}

const struct command command_store_backup = {
	.name = "store backup",
	.words = "FILE",
	.summary = "Write a copy of the store, while the daemon runs",
	.text = "The copy is of one moment, whatever changes meanwhile, and takes\n"
		"FILE's place when it is whole. It holds hashes of secrets, no secrets,\n"
		"and not the pepper, without which it is worth nothing: keep that one\n"
		"apart. For root and the daemon's user.\n",
	.examples = "  authzcheck store backup /var/backups/authz-$(date +%F)\n",
	.min_words = 1,
	.run = run,
};
