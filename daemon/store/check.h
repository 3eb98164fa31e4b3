/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * check: checks the data file before LMDB opens it, in a child process without privileges.
 *
 * The child closes its descriptors and gives up all system calls but exit(2), then walks the pages
 * (pages.h). A damaged file can end the child, and that is a result too.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/store/copy.h"
#include "daemon/store/trail.h"

struct secrets;

enum check_depth {
	CHECK_BRANCHES = 0, /* the pages above the leaves, the tables, and the list of free pages */
	CHECK_PAGES,        /* every page */
	CHECK_RECORDS,      /* and the tag of every record */
};

#define CHECK_MAX_LISTED 8
#define CHECK_MAX_KEY    64 /* bytes of a record's key that are reported */

/* A record that does not match its tag. */
struct check_altered {
	int table; /* enum store_table */
	size_t key_len;
	uint8_t key[CHECK_MAX_KEY];
};

struct check_result {
	uint64_t pages;   /* that were read */
	uint64_t records; /* whose tags were checked */
	uint64_t altered; /* of these, do not match */
	bool has_head;    /* the trail has the head's entry */
	bool is_foreign;  /* the secrets are not the store's: no tag says anything */
	struct check_altered listed[CHECK_MAX_LISTED]; /* the first ones */
};

struct check_file {
	const char *path;
	int fd;
	size_t map_size;
	const struct secrets *secrets; /* for CHECK_RECORDS */
	const struct store_head *head; /* the trail's, compared with CHECK_RECORDS; NULL: not */
};

struct store_options;

/* Checks every page and record of a store that no daemon has open, and that its trail has the
 * head's entry. Changes nothing. Returns as check_run does. */
int store_check(
	const struct store_options *options, struct check_result *out, char why[static STORE_WHY]);

/* 0, or a negative errno and in `why` the page that is wrong and what to do. Altered records are no
 * failure: the caller reports them, and they are refused when they are read. */
int check_run(const struct check_file *file, enum check_depth depth, struct check_result *out,
	char why[static STORE_WHY]);

/* Describes an altered record in words, such as "keys 1abc…". */
void check_describe(const struct check_altered *altered, char *out, size_t size);

/* --- the clean end ---------------------------------------------------------------------------- */

#define CHECK_CLEAN_SUFFIX "-clean" /* of the data file */

/* True if the last daemon closed the store and nothing has changed the file since. */
bool check_was_clean(const char *path, int fd);
void check_begin_use(const char *path); /* from now on the end is no clean one, until: */
void check_end_use(const char *path, int fd);
