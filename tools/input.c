/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/input.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* Bytes of the first read. */
#define FIRST ((size_t)64 * 1024)

const char *input_name(const char *path)
{
	return strcmp(path, "-") == 0 ? "standard input" : path;
}

static int read_all(
	struct app *app, const char *name, FILE *file, size_t limit, struct pol_str *out)
{
	char *text = NULL;
	size_t len = 0, capacity = 0;

	for (;;) {
		size_t got;

		if (len == capacity) {
			char *grown =
				pol_arena_grow(&app->arena, text, len, len + FIRST, 1, &capacity);

			if (grown == NULL) {
				return app_fail(app, EXIT_DAEMON, "internal", "out of memory");
			}
			text = grown;
		}
		got = fread(text + len, 1, capacity - len, file);
		len += got;
		if (len > limit) {
			return app_fail(app, EXIT_USAGE, "unreadable", "%s: larger than %zu MiB",
				name, limit >> 20);
		}
		if (got == 0) {
			break;
		}
	}
	if (ferror(file)) {
		return app_fail(app, EXIT_USAGE, "unreadable", "%s: %s", name, strerror(errno));
	}
	*out = (struct pol_str){ text, len };
	return EXIT_YES;
}

int input_read(struct app *app, const char *path, size_t limit, struct pol_str *out)
{
	bool standard = strcmp(path, "-") == 0;
	FILE *file = standard ? stdin : fopen(path, "re");
	int status;

	if (file == NULL) {
		return app_fail(app, EXIT_USAGE, "unreadable", "%s: %s", path, strerror(errno));
	}
	status = read_all(app, input_name(path), file, limit, out);
	if (!standard) {
		fclose(file);
	}
	return status;
}
