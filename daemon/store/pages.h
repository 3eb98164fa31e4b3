/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * pages: whether the pages of the data file are as LMDB writes them (the format of LMDB 0.9).
 *
 * LMDB trusts its pages: a wrong number in one leads it out of its map. This walk trusts nothing:
 * it reads only inside the given bytes, allocates nothing, makes no system call, and ends after it
 * saw each page once. Any thread.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum pages_fault {
	PAGES_SOUND = 0,
	PAGES_SHORT,   /* the file ends before the page */
	PAGES_META,    /* this is no meta page of LMDB, or it has another version */
	PAGES_SIZE,    /* LMDB uses no such page size */
	PAGES_COMMITS, /* the two meta pages are not of two commits in a row */
	PAGES_RANGE,   /* a number names a page that does not exist */
	PAGES_TWICE,   /* the page is used twice, or used and free */
	PAGES_NUMBER,  /* the page has the number of another one */
	PAGES_KIND,    /* the page is of another kind than its place demands */
	PAGES_BOUNDS,  /* the page's free space, or an entry, is out of its bounds */
	PAGES_OVERLAP, /* entries overlap, or leave room between them */
	PAGES_ORDER,   /* keys are not in order */
	PAGES_ENTRY,   /* an entry has a flag or size that its table does not have */
	PAGES_DEPTH,   /* a table has more or fewer levels than its record says */
	PAGES_FREE,    /* the list of free pages is wrong */
};

#define PAGES_MIN_SIZE 512 /* bytes */

struct pages_bytes {
	const uint8_t *at;
	size_t len;
};

struct pages_walk {
	const uint8_t *bytes; /* the file */
	size_t size;
	size_t map_size; /* bytes that the pages may have */
	/* False: of the tables only the pages above the leaves. The list of free pages and the
	 * table of tables are always read whole. */
	bool leaves;
	uint8_t *seen; /* a bit for each page of the least size that fits in the map, all 0 */
	/* Called for each table's record; with `leaves` only. */
	void (*record)(void *context, int table, struct pages_bytes key, struct pages_bytes value);
	void *context;
	/* Names of tables; a table's number is the index of its name, or -1 if it has none. */
	const char *const *names;
	int name_count;

	/* Results. */
	enum pages_fault fault;
	uint64_t page;   /* of the fault */
	int table;       /* of the fault; -1: none of the named ones */
	uint64_t walked; /* pages that were read */

	/* Of the walk itself. */
	size_t page_size;
	uint64_t last;   /* page */
	uint64_t commit; /* of the meta page that counts */
};

/* True if nothing is wrong; else the results say what is. */
bool pages_walk(struct pages_walk *walk);

/* "the page has the number of another one" */
const char *pages_explain(enum pages_fault fault);
