/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * fuzz: what the targets share: a check that every build makes, and files for what reads files.
 */

#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* In every build, for a fuzz target must not depend on how asserts are set. */
#define fuzz_require(truth)                                                                        \
	do {                                                                                       \
		if (!(truth)) {                                                                    \
			dprintf(STDERR_FILENO, "%s:%d: is not so: %s\n", __FILE__, __LINE__,       \
				#truth);                                                           \
			abort();                                                                   \
		}                                                                                  \
	} while (0)

/* A copy of exactly this size, so that a sanitizer reports reads past its end. To be freed. */
static inline void *fuzz_copy(const void *bytes, size_t size)
{
	void *copy = malloc(size > 0 ? size : 1);

	fuzz_require(copy != NULL);
	if (size > 0) {
		memcpy(copy, bytes, size);
	}
	return copy;
}

/* Messages about the input go nowhere; libFuzzer and the sanitizers keep theirs. */
static inline void fuzz_quiet(void)
{
	static bool quiet;

	if (!quiet) {
		quiet = true;
		stderr = fopen("/dev/null", "w");
		fuzz_require(stderr != NULL);
	}
}

/* --- a folder, made once, which the end of the process leaves to fuzz_forget -------------------
 */

static char fuzz_folder_name[64];

static inline void fuzz_path(char *out, size_t size, const char *name)
{
	fuzz_require((size_t)snprintf(out, size, "%s/%s", fuzz_folder_name, name) < size);
}

static inline void fuzz_forget(void)
{
	char command[96];

	snprintf(command, sizeof command, "rm -rf '%s'", fuzz_folder_name);
	fuzz_require(system(command) == 0);
}

static inline void fuzz_folder(void)
{
	const char *parent = getenv("TMPDIR");

	fuzz_require(snprintf(fuzz_folder_name, sizeof fuzz_folder_name, "%s/authz-fuzz-XXXXXX",
			     parent != NULL ? parent : "/tmp") < (int)sizeof fuzz_folder_name);
	fuzz_require(mkdtemp(fuzz_folder_name) != NULL);
	fuzz_require(atexit(fuzz_forget) == 0);
}

static inline void fuzz_write(const char *path, const void *bytes, size_t size)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	fuzz_require(fd >= 0);
	fuzz_require(write(fd, bytes, size) == (ssize_t)size);
	close(fd);
}

static inline void fuzz_write_text(const char *path, const char *text)
{
	fuzz_write(path, text, strlen(text));
}
