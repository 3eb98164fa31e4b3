/* SPDX-License-Identifier: Apache-2.0 */

/*
 * pages_meta: the first two pages, and what is said of a fault.
 */

#include "daemon/store/page.h"

#define MAGIC   0xBEEFC0DE
#define VERSION 1

bool pages_fail(struct pages_walk *walk, enum pages_fault fault, uint64_t page, int table)
{
	walk->fault = fault;
	walk->page = page;
	walk->table = table;
	return false;
}

/* Both meta pages are checked before LMDB sees them: it divides by the page size. */
static bool check_meta(struct pages_walk *walk, unsigned index, size_t page_size)
{
	const uint8_t *meta = walk->bytes + index * page_size;

	if (walk->size / page_size <= index) {
		return pages_fail(walk, PAGES_SHORT, index, -1);
	}
	if (get64(meta) != index || get16(meta + PAGE_FLAGS) != META ||
		get32(meta + META_MAGIC) != MAGIC || get32(meta + META_VERSION) != VERSION) {
		return pages_fail(walk, PAGES_META, index, -1);
	}
	if (get32(meta + META_FREE) != page_size) {
		return pages_fail(walk, PAGES_SIZE, index, -1);
	}
	if ((get16(meta + META_FREE + TREE_FLAGS) & KINDS) != KEYS_ARE_NUMBERS ||
		(get16(meta + META_MAIN + TREE_FLAGS) & KINDS) != 0) {
		return pages_fail(walk, PAGES_META, index, -1);
	}
	return true;
}

/* Finds the page size first. */
const uint8_t *pages_find_meta(struct pages_walk *walk)
{
	uint64_t commits[2];
	const uint8_t *meta;
	size_t page_size;

	if (walk->size < PAGES_MIN_SIZE) {
		pages_fail(walk, PAGES_SHORT, 0, -1);
		return NULL;
	}
	page_size = get32(walk->bytes + META_FREE);
	if (get32(walk->bytes + META_MAGIC) != MAGIC) {
		pages_fail(walk, PAGES_META, 0, -1);
		return NULL;
	}
	if (page_size < PAGES_MIN_SIZE || page_size > MAX_SIZE ||
		(page_size & (page_size - 1)) != 0) {
		pages_fail(walk, PAGES_SIZE, 0, -1);
		return NULL;
	}
	walk->page_size = page_size;
	for (unsigned i = 0; i < 2; i++) {
		if (!check_meta(walk, i, page_size)) {
			return NULL;
		}
		commits[i] = get64(walk->bytes + i * page_size + META_COMMIT);
	}
	meta = walk->bytes + (commits[0] < commits[1] ? page_size : 0);
	walk->commit = get64(meta + META_COMMIT);
	/* Commits take turns on the two pages; a new file has 0 on both. */
	if ((commits[0] != 0 || commits[1] != 0) &&
		(commits[0] % 2 != 0 || commits[1] % 2 != 1 ||
			(commits[0] + 1 != commits[1] && commits[1] + 1 != commits[0]))) {
		pages_fail(walk, PAGES_COMMITS, walk->commit % 2, -1);
		return NULL;
	}
	return meta;
}

const char *pages_explain(enum pages_fault fault)
{
	static const char *const texts[] = {
		[PAGES_SOUND] = "nothing is wrong",
		[PAGES_SHORT] = "the file ends before the end of the page",
		[PAGES_META] = "this is not a first page of a store",
		[PAGES_SIZE] = "the page size is wrong",
		[PAGES_COMMITS] = "the first two pages are not of two commits in a row",
		[PAGES_RANGE] = "it names a page that does not exist",
		[PAGES_TWICE] = "the page is used twice",
		[PAGES_NUMBER] = "it has the number of another page",
		[PAGES_KIND] = "it is of another kind than its place demands",
		[PAGES_BOUNDS] = "an entry is outside of the page",
		[PAGES_OVERLAP] = "entries overlap or leave gaps",
		[PAGES_ORDER] = "the keys are not in order",
		[PAGES_ENTRY] = "an entry is of a wrong kind or size",
		[PAGES_DEPTH] = "a table has a wrong number of levels",
		[PAGES_FREE] = "the list of free pages is wrong",
	};

	return texts[fault];
}
