/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * page: the format of a page of LMDB, and whether one is as LMDB writes it. For pages.c,
 * pages_meta.c and page.c alone.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "daemon/store/pages.h"

/*
 * The format, from mdb.c of LMDB 0.9.24. Numbers are the host's, addresses 64 bits.
 *
 * A page begins with its number (8), a pad (2), flags (2), and the ends of the entries' offsets
 * (lower, 2) and of the free space (upper, 2), or for an overflow page the count of pages (4).
 * Pages 0 and 1 are meta pages; that of the later commit counts. Each has the records of two trees:
 * the list of free pages, and the table of tables, whose entries are the records of the others.
 *
 * An entry has a size in two halves (4), flags (2), the key's size (2), key and value. In a branch
 * the halves and the flags are the number of the page below. Entries lie without gaps between
 * `upper` and the page's end.
 */

_Static_assert(sizeof(size_t) == 8, "the file of a host with addresses of 64 bits");

#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
enum { ENTRY_LOW = 0, ENTRY_HIGH = 2 };
#else
enum { ENTRY_LOW = 2, ENTRY_HIGH = 0 };
#endif

enum {
	PAGE_FLAGS = 10,
	PAGE_LOWER = 12,
	PAGE_UPPER = 14,
	PAGE_COUNT = 12,
	PAGE_HEADER = 16,
	META_MAGIC = PAGE_HEADER,
	META_VERSION = META_MAGIC + 4,
	META_FREE = META_VERSION + 4 + 8 + 8, /* after the address and the size of the map */
	TREE_FLAGS = 4,
	TREE_DEPTH = 6,
	TREE_ROOT = 40,
	TREE_SIZE = 48,
	META_MAIN = META_FREE + TREE_SIZE,
	META_LAST = META_MAIN + TREE_SIZE,
	META_COMMIT = META_LAST + 8,
	META_END = META_COMMIT + 8,
	ENTRY_FLAGS = 4,
	ENTRY_KEY_SIZE = 6,
	ENTRY_HEADER = 8,
};

enum { BRANCH = 0x01, LEAF = 0x02, OVERFLOW = 0x04, META = 0x08 };
enum { BIG = 0x01, TREE = 0x02 };               /* of an entry */
enum { KEYS_ARE_NUMBERS = 0x08, KINDS = 0x7e }; /* of a tree */

#define NO_PAGE    UINT64_MAX
#define MAX_SIZE   32768 /* of a page */
#define MAX_KEY    511
#define FIRST_PAGE 2

static inline uint16_t get16(const uint8_t *at)
{
	uint16_t value;

	memcpy(&value, at, sizeof value);
	return value;
}

static inline uint32_t get32(const uint8_t *at)
{
	uint32_t value;

	memcpy(&value, at, sizeof value);
	return value;
}

static inline uint64_t get64(const uint8_t *at)
{
	uint64_t value;

	memcpy(&value, at, sizeof value);
	return value;
}

/* An entry of a page that was checked. */
static inline const uint8_t *entry_at(const uint8_t *page, unsigned index)
{
	return page + get16(page + PAGE_HEADER + 2 * index);
}

static inline uint32_t entry_size(const uint8_t *entry)
{
	return (uint32_t)get16(entry + ENTRY_HIGH) << 16 | get16(entry + ENTRY_LOW);
}

static inline uint64_t entry_child(const uint8_t *entry)
{
	return (uint64_t)get16(entry + ENTRY_FLAGS) << 32 | entry_size(entry);
}

static inline struct pages_bytes entry_key(const uint8_t *entry)
{
	return (struct pages_bytes){ entry + ENTRY_HEADER, get16(entry + ENTRY_KEY_SIZE) };
}

static inline struct pages_bytes entry_value(const uint8_t *entry)
{
	return (struct pages_bytes){ entry + ENTRY_HEADER + get16(entry + ENTRY_KEY_SIZE),
		entry_size(entry) };
}

/* Where a page is found, and so what it must be. */
struct page_place {
	uint64_t number;
	size_t page_size;
	bool branch;
	unsigned least; /* entries */
};

/* Checks all of a tree's page except its keys. *out_count: its entries. */
enum pages_fault page_check(
	const uint8_t *page, const struct page_place *place, unsigned *out_count);

/* pages_meta.c: the meta page of the later commit; NULL: one of the two is wrong, as the walk's
 * results say. */
const uint8_t *pages_find_meta(struct pages_walk *walk);

/* Notes what is wrong. Returns false. */
bool pages_fail(struct pages_walk *walk, enum pages_fault fault, uint64_t page, int table);
