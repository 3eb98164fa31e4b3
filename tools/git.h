/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * git: runs git(1) and reads what it prints. No shell is involved, and no command that is run here
 * writes to the repository or to a work tree, or fetches what a partial clone lacks. Git's messages
 * are asked for in English.
 */

#include <stddef.h>
#include <sys/types.h>

/* Bytes of a message. */
#define GIT_WHY 1024

/* Words of one command, with the NULL at the end. */
#define GIT_WORDS 12

/* The most bytes that one command may print: the names of a large repository. */
#define GIT_OUTPUT ((size_t)64 * 1024 * 1024)

/* Runs `git -C FOLDER WORDS…`. 0: *out is what it printed, with a NUL after it, to be freed. A
 * negative errno, and `why`: -ENOENT: git is not installed; -ENODATA: this is a partial clone,
 * which lacks an object; -EINVAL: git refused, and `why` is the first line of its message; -EFBIG:
 * it printed more than GIT_OUTPUT. */
int git_run(const char *folder, const char *const *words, char **out, size_t *out_len,
	char why[static GIT_WHY]);

/* A running `git cat-file --batch`. Zeroed: none. */
struct git_blobs {
	pid_t child;
	int in, out; /* what it reads and writes */
};

/* Both as git_run; _close ends the command. */
int git_blobs_open(struct git_blobs *blobs, const char *folder, char why[static GIT_WHY]);
void git_blobs_close(struct git_blobs *blobs);
/* Reads one object into *out, to be freed, as git_run. -EFBIG: it has more than `most` bytes. After
 * a failure the command can only be closed. */
int git_blobs_read(struct git_blobs *blobs, const char *name, size_t most, char **out,
	size_t *out_len, char why[static GIT_WHY]);
