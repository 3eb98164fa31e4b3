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

static int on_piece(void *context, struct wire_cursor result)
{
	struct backup *backup = context;

	backup->records = record_int(result, "done", 0);
	if (backup->progress) {
		fprintf(stderr, "\r%" PRId64 " of %" PRId64 " records", backup->records,
			record_int(result, "total", 0));
	}
	return write_piece(backup, record_str(result, "data"));
}

static int take_all(struct backup *backup)
{
	const struct pages pages = {
		.method = "store.backup", .page = on_piece, .context = backup
	};
	int status = rpc_pages(backup->app, &pages);

	if (backup->progress) {
		fputs("\r\033[K", stderr);
	}
	return status;
}

/* Once it is whole and on the disk, it gets its name. */
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

static void report(const struct backup *backup)
{
	if (backup->app->want_json) {
		app_document(backup->app,
			json_pack("{s:o, s:I, s:I}", "file", document_text(backup->path), "records",
				(json_int_t)backup->records, "bytes", (json_int_t)backup->bytes));
	} else {
		printf("%s: %s, %s\n", backup->path,
			app_count(backup->app, (uint64_t)backup->records, "record"),
			app_count(backup->app, backup->bytes, "byte"));
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
		report(&backup);
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
