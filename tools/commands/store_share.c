/* SPDX-License-Identifier: Apache-2.0 */

/* store share: the store of this host, or a copy, becomes the one that several hosts share. */

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "tools/commands/commands.h"
#include "tools/record.h"
#include "tools/work.h"

/* Bytes of a copy in one call: a message has 256 KiB at most. */
#define PIECE ((size_t)128 << 10)

/* A cursor of the daemon has less. */
#define CURSOR_SIZE 256

struct copy {
	struct app *app;
	int fd;
	uint64_t sent;
	char cursor[CURSOR_SIZE];
	size_t cursor_len;
	bool progress;
};

static void put_options(struct app *app, struct params *params)
{
	if (app->args.word_count > 0) {
		params_text(params, "database", app->args.words[0]);
	}
	if (app->args.given[FLAG_ACCEPT_ROLLBACK]) {
		params_bool(params, "accept_rollback", true);
	}
}

static int read_piece(struct copy *copy, uint8_t *out, size_t *out_len)
{
	*out_len = 0;
	while (*out_len < PIECE) {
		ssize_t n = read(copy->fd, out + *out_len, PIECE - *out_len);

		if (n == 0) {
			break;
		}
		if (n < 0 && errno != EINTR) {
			return app_fail(copy->app, EXIT_USAGE, "unreadable", "%s: %s",
				copy->app->args.values[FLAG_RESTORE], strerror(errno));
		}
		*out_len += n > 0 ? (size_t)n : 0;
	}
	return EXIT_YES;
}

static int keep_cursor(struct copy *copy, struct wire_cursor answer)
{
	struct pol_str cursor = record_str(answer, "cursor");

	if (cursor.len == 0 || cursor.len > sizeof copy->cursor) {
		return app_fail(copy->app, EXIT_DAEMON, "internal",
			"the daemon did not answer with a cursor");
	}
	memcpy(copy->cursor, cursor.ptr, cursor.len);
	copy->cursor_len = cursor.len;
	return EXIT_YES;
}

static int send_piece(struct copy *copy, const uint8_t *bytes, size_t len, bool last)
{
	struct wire_cursor answer;
	struct params params;
	int status;

	params_begin(&params);
	put_options(copy->app, &params);
	params_bin(&params, "data", bytes, len);
	if (copy->cursor_len > 0) {
		params_str(&params, "cursor", (struct pol_str){ copy->cursor, copy->cursor_len });
	}
	if (last) {
		params_bool(&params, "last", true);
		return work_finish(copy->app, &params);
	}
	status = rpc_call(copy->app, "store.share", &params, &answer);
	copy->sent += len;
	if (copy->progress) {
		fprintf(stderr, "\r\033[K%" PRIu64 " KiB sent", copy->sent >> 10);
	}
	return status == EXIT_YES ? keep_cursor(copy, answer) : status;
}

/* The last piece is known by the end that follows it. */
static int send_all(struct copy *copy)
{
	uint8_t pieces[2][PIECE];
	size_t lens[2];
	unsigned at = 0;
	int status = read_piece(copy, pieces[0], &lens[0]);

	while (status == EXIT_YES) {
		bool last;

		status = read_piece(copy, pieces[!at], &lens[!at]);
		if (status != EXIT_YES) {
			break;
		}
		last = lens[!at] == 0;
		status = send_piece(copy, pieces[at], lens[at], last);
		if (last) {
			break;
		}
		at = !at;
	}
	return status;
}

static int share_copy(struct app *app)
{
	const char *path = app->args.values[FLAG_RESTORE];
	struct copy copy = { .app = app, .progress = isatty(STDERR_FILENO) == 1 };
	int status;

	copy.fd = open(path, O_RDONLY | O_CLOEXEC);
	if (copy.fd < 0) {
		return app_fail(app, EXIT_USAGE, "unreadable", "%s: %s", path, strerror(errno));
	}
	status = send_all(&copy);
	close(copy.fd);
	return status;
}

static int run(struct app *app)
{
	struct params params;

	if (app->args.given[FLAG_RESTORE]) {
		return share_copy(app);
	}
	if (app->args.given[FLAG_ACCEPT_ROLLBACK]) {
		return app_fail(
			app, EXIT_USAGE, "usage", "--accept-rollback goes with --restore COPY");
	}
	params_begin(&params);
	put_options(app, &params);
	return work_finish(app, &params);
}

static int show(struct app *app, struct wire_cursor answer)
{
	const char *place = record_text(&app->arena, answer, "as_of");

	printf("shared as realm %s, epoch %" PRId64 ", as of %s\n",
		record_text(&app->arena, answer, "realm"), record_int(answer, "epoch", 0), place);
	if (app->args.given[FLAG_RESTORE]) {
		printf("the other hosts follow, or say in authzcheck hosts why they do not\n");
	} else {
		printf("on each other host: authzcheck store join --at %s\n", place);
	}
	return EXIT_YES;
}

const struct command command_store_share = {
	.name = "store share",
	.words = "[CONNINFO]",
	.summary = "Put this host's store into a database that several hosts share",
	.text = "The configuration must have a line 'shared CONNINFO' (authzd.conf(5)),\n"
		"since the daemon reaches no other database; CONNINFO here only checks\n"
		"that it is that one. The tables are made, and this host's store is the\n"
		"first copy in them. Decisions go on meanwhile. Then copy the file with\n"
		"the secrets to the other hosts, and run store join there.\n"
		"\n"
		"--restore COPY puts a copy of store backup in the place of what all\n"
		"hosts have, as a new epoch. A copy that lacks changes which this host\n"
		"knows is refused: keys revoked since would work again;\n"
		"--accept-rollback takes it. Hosts that know more than the copy stop,\n"
		"and each needs store rejoin. For root and the daemon's user.\n",
	.examples = "  authzcheck store share\n"
		    "  authzcheck store share 'host=db1 dbname=authz sslmode=verify-full'\n"
		    "  authzcheck store share --restore /var/backups/authz-2026-11-22\n",
	.flags = { FLAG_RESTORE, FLAG_ACCEPT_ROLLBACK },
	.max_words = 1,
	.long_work = true,
	.run = run,
	.method = "store.share",
	.show = show,
};
