/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* http_config_test: a file of authz-http's configuration, and what is said of it. */

#include <criterion/criterion.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "client/http/config.h"

#define PATH "/tmp/authz-http-conf-XXXXXX"

/* Reads a file of these lines, whose name goes to `path`, and what is said of it, for free(3). */
static inline int read_lines(
	const char *lines, struct http_config *config, char path[static sizeof PATH], char **said)
{
	int fd, r;
	size_t size = 0;

	memcpy(path, PATH, sizeof PATH);
	fd = mkstemp(path);
	cr_assert_geq(fd, 0);
	cr_assert_eq(write(fd, lines, strlen(lines)), (ssize_t)strlen(lines));
	close(fd);
	stderr = open_memstream(said, &size);
	http_config_init(config);
	r = http_config_read(config, path);
	fclose(stderr);
	unlink(path);
	return r;
}

/* Fails unless a file of these lines is refused with this message, of the file as a whole. */
static inline void expect_whole_refused(const char *lines, const char *message)
{
	char path[sizeof PATH], *said = NULL;
	struct http_config config;

	cr_expect_lt(read_lines(lines, &config, path, &said), 0, "%s", lines);
	cr_expect_not_null(strstr(said, message), "%s is not in\n%s", message, said);
	http_config_finish(&config);
	free(said);
}

/* Fails unless a file of these lines is refused with this message. */
static inline void expect_refused(const char *lines, const char *message)
{
	char path[sizeof PATH], *said = NULL;
	struct http_config config;

	cr_expect_lt(read_lines(lines, &config, path, &said), 0, "%s", lines);
	cr_expect_not_null(strstr(said, message), "%s is not in\n%s", message, said);
	cr_expect_not_null(strstr(said, path), "no file in\n%s", said);
	http_config_finish(&config);
	free(said);
}
