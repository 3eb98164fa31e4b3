/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/config/config_internal.h"

enum { MAX_FILE = 1024 * 1024 };

/* Commas separate words as spaces do; `manage` uses them between actions. */
static void read_lines(struct config_reader *reader)
{
	for (;;) {
		struct config_word word = { 0 };
		struct pol_token token;

		pol_lex(&reader->lexer, &token);
		word.at = token.at;
		if (token.kind == POL_TOKEN_END || token.kind == POL_TOKEN_NL) {
			if (reader->count > 0) {
				config_read_line(reader);
			}
			reader->count = 0;
			if (token.kind == POL_TOKEN_END) {
				return;
			}
		} else if (token.kind == POL_TOKEN_OPEN || token.kind == POL_TOKEN_CLOSE) {
			pol_diag_error(
				reader->diags, token.at, "no braces here: one NAME VALUE… a line");
		} else if (token.kind == POL_TOKEN_COMMA || token.kind == POL_TOKEN_BAD) {
			continue;
		} else if (reader->count == CONFIG_MAX_WORDS) {
			pol_diag_error(reader->diags, token.at, "too many words on one line");
		} else if (!pol_lex_token_text(&reader->config->arena, &token, &word.text)) {
			pol_diag_error(reader->diags, token.at, "the configuration is too large");
		} else {
			reader->words[reader->count++] = word;
		}
	}
}

/* The whole file into the arena. */
static int load(struct config *config, const char *path, struct pol_str *out)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	struct stat stat = { 0 };
	char *bytes;
	size_t len = 0, size;
	ssize_t n = 0;
	int r = 0;

	if (fd < 0 || fstat(fd, &stat) != 0) {
		r = -errno;
		fprintf(stderr, "%s: error: cannot read the configuration: %s\n", path,
			strerror(-r));
	} else if (!S_ISREG(stat.st_mode) || stat.st_size > MAX_FILE) {
		r = -EINVAL;
		fprintf(stderr, "%s: error: not a regular file of at most 1 MiB\n", path);
	} else if (stat.st_uid != 0 && stat.st_uid != geteuid()) {
		r = -EPERM;
		fprintf(stderr,
			"%s: error: it belongs to uid %u, who could command the daemon by it: "
			"chown "
			"%u %s\n",
			path, (unsigned)stat.st_uid, (unsigned)geteuid(), path);
	} else if ((stat.st_mode & 022) != 0) {
		r = -EPERM;
		fprintf(stderr, "%s: error: others may write it: chmod go-w %s\n", path, path);
	}
	size = r == 0 ? (size_t)stat.st_size : 0;
	bytes = r == 0 ? pol_arena_alloc(&config->arena, size + 1, 1) : NULL;
	if (r == 0 && bytes == NULL) {
		r = -ENOMEM;
	}
	while (r == 0 && len < size && (n = read(fd, bytes + len, size - len)) > 0) {
		len += (size_t)n;
	}
	if (r == 0 && n < 0) {
		r = -errno;
	}
	if (fd >= 0) {
		close(fd);
	}
	*out = (struct pol_str){ bytes, len };
	return r;
}

static void on_text(void *context, const char *text, size_t len)
{
	fwrite(text, 1, len, context);
}

int config_read(struct config *config, const char *path)
{
	struct pol_source source = { .name = pol_str_of(path) };
	struct pol_diags diags;
	struct config_reader *reader;
	int r = load(config, path, &source.text);

	if (r < 0) {
		return r;
	}
	reader = calloc(1, sizeof *reader);
	if (reader == NULL) {
		return -ENOMEM;
	}
	pol_diags_init(&diags, &source, 1);
	reader->config = config;
	reader->diags = &diags;
	reader->listeners_given = config->listener_count > 0;
	pol_lexer_init(&reader->lexer, &diags, 0, source.text);
	read_lines(reader);
	pol_diags_sort(&diags);
	for (const struct pol_diag *diag = diags.first; diag != NULL; diag = diag->next) {
		pol_diag_render(&diags, diag, on_text, stderr);
	}
	r = diags.errors > 0 ? -EINVAL : 0;
	pol_diags_finish(&diags);
	free(reader);
	return r;
}
