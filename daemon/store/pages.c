/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/store/pages.h"

#include <string.h>

#include "daemon/store/page.h"

#define MAX_DEPTH 32 /* LMDB's cursors have no more */

struct tree {
	uint16_t depth;
	uint64_t root;
	int table;
	bool free; /* the list of free pages */
	bool main; /* the table of tables */
};

struct level {
	const uint8_t *page;
	uint64_t number;
	unsigned next; /* entry */
	unsigned count;
};

/* One tree. */
struct descent {
	struct pages_walk *walk;
	const struct tree *tree;
	bool leaves;
	struct pages_bytes last;  /* the key before; at NULL: none */
	struct pages_bytes bound; /* the first key of the next leaf is at least this; NULL: any */
	struct level levels[MAX_DEPTH];
	unsigned depth;
};

/* --- one page --------------------------------------------------------------------------------- */

/* Marks a page as used. `from`: the page that names it. */
static bool claim(struct pages_walk *walk, uint64_t number, uint64_t from, int table)
{
	uint8_t bit = (uint8_t)(1U << number % 8);

	if (number < FIRST_PAGE || number > walk->last) {
		return pages_fail(walk, PAGES_RANGE, from, table);
	}
	if ((walk->seen[number / 8] & bit) != 0) {
		return pages_fail(walk, PAGES_TWICE, number, table);
	}
	walk->seen[number / 8] |= bit;
	return true;
}

/* The page's bytes, or NULL if the file ends before its end. */
static const uint8_t *page_at(struct pages_walk *walk, uint64_t number, int table)
{
	if (number >= walk->size / walk->page_size) {
		pages_fail(walk, PAGES_SHORT, number, table);
		return NULL;
	}
	walk->walked++;
	return walk->bytes + number * walk->page_size;
}

/* Checks a page of the tree, all but its keys. *out_count: its entries. */
static bool check_page(struct descent *descent, const uint8_t *page, uint64_t number, bool branch,
	unsigned *out_count)
{
	const struct page_place place = {
		.number = number,
		.page_size = descent->walk->page_size,
		.branch = branch,
		/* LMDB asserts two entries of a branch, except in the list of free pages. */
		.least = branch && !descent->tree->free ? 2 : 1,
	};
	enum pages_fault fault = page_check(page, &place, out_count);

	return fault == PAGES_SOUND ||
	       pages_fail(descent->walk, fault, number, descent->tree->table);
}

/* --- keys ------------------------------------------------------------------------------------- */

static int compare(const struct tree *tree, struct pages_bytes a, struct pages_bytes b)
{
	size_t len = a.len < b.len ? a.len : b.len;
	int order;

	if (tree->free) {
		uint64_t x = get64(a.at), y = get64(b.at);

		return x < y ? -1 : x > y;
	}
	order = memcmp(a.at, b.at, len);
	return order != 0 ? order : a.len < b.len ? -1 : a.len > b.len;
}

static bool has_good_key(const struct tree *tree, const uint8_t *entry)
{
	size_t len = get16(entry + ENTRY_KEY_SIZE);

	return tree->free ? len == sizeof(uint64_t) : len > 0 && len <= MAX_KEY;
}

/* The first key of a branch means nothing. */
static bool check_branch_keys(struct descent *descent, const struct level *level)
{
	for (unsigned i = 1; i < level->count; i++) {
		const uint8_t *entry = entry_at(level->page, i);

		if (!has_good_key(descent->tree, entry)) {
			return pages_fail(
				descent->walk, PAGES_ENTRY, level->number, descent->tree->table);
		}
		if (i > 1 && compare(descent->tree, entry_key(entry_at(level->page, i - 1)),
				     entry_key(entry)) >= 0) {
			return pages_fail(
				descent->walk, PAGES_ORDER, level->number, descent->tree->table);
		}
	}
	return true;
}

/* --- values ----------------------------------------------------------------------------------- */

static bool walk_tree(struct pages_walk *walk, const struct tree *tree);

/* Finds a value that lies on pages of its own. */
static bool take_big(
	struct descent *descent, uint64_t number, const uint8_t *entry, struct pages_bytes *out)
{
	struct pages_walk *walk = descent->walk;
	int table = descent->tree->table;
	uint64_t first = get64(entry_value(entry).at);
	uint64_t count = (PAGE_HEADER - 1 + (uint64_t)entry_size(entry)) / walk->page_size + 1;
	const uint8_t *page;

	if (first > walk->last) {
		return pages_fail(walk, PAGES_RANGE, number, table);
	}
	for (uint64_t i = 0; i < count; i++) {
		if (!claim(walk, first + i, number, table)) {
			return false;
		}
	}
	page = page_at(walk, first, table);
	if (page == NULL || page_at(walk, first + count - 1, table) == NULL) {
		return false;
	}
	if (get64(page) != first) {
		return pages_fail(walk, PAGES_NUMBER, first, table);
	}
	if (get16(page + PAGE_FLAGS) != OVERFLOW || get32(page + PAGE_COUNT) != count) {
		return pages_fail(walk, PAGES_KIND, first, table);
	}
	*out = (struct pages_bytes){ page + PAGE_HEADER, entry_size(entry) };
	return true;
}

/* A count, then this many numbers of pages, the largest first. */
static bool take_free(
	struct descent *descent, uint64_t number, struct pages_bytes key, struct pages_bytes value)
{
	struct pages_walk *walk = descent->walk;
	uint64_t before = UINT64_MAX, count;

	if (value.len < 8 || value.len % 8 != 0 || get64(key.at) > walk->commit) {
		return pages_fail(walk, PAGES_FREE, number, -1);
	}
	count = get64(value.at);
	if (count > value.len / 8 - 1) {
		return pages_fail(walk, PAGES_FREE, number, -1);
	}
	for (uint64_t i = 1; i <= count; i++) {
		uint64_t page = get64(value.at + 8 * i);

		if (page >= before || page < FIRST_PAGE || page > walk->last) {
			return pages_fail(walk, PAGES_FREE, number, -1);
		}
		if (!claim(walk, page, number, -1)) {
			return false;
		}
		before = page;
	}
	return true;
}

static int find_table(const struct pages_walk *walk, struct pages_bytes name)
{
	for (int i = 0; i < walk->name_count; i++) {
		if (strlen(walk->names[i]) == name.len &&
			memcmp(walk->names[i], name.at, name.len) == 0) {
			return i;
		}
	}
	return -1;
}

static bool take_table(struct descent *descent, uint64_t number, const uint8_t *entry)
{
	struct pages_walk *walk = descent->walk;
	struct pages_bytes value = entry_value(entry);
	struct tree tree = { .table = find_table(walk, entry_key(entry)) };

	if (get16(entry + ENTRY_FLAGS) != TREE || value.len != TREE_SIZE ||
		get16(value.at + TREE_FLAGS) != 0) {
		return pages_fail(walk, PAGES_ENTRY, number, tree.table);
	}
	tree.depth = get16(value.at + TREE_DEPTH);
	tree.root = get64(value.at + TREE_ROOT);
	return walk_tree(walk, &tree);
}

static bool take_entry(struct descent *descent, uint64_t number, const uint8_t *entry)
{
	struct pages_walk *walk = descent->walk;
	const struct tree *tree = descent->tree;
	uint16_t flags = get16(entry + ENTRY_FLAGS);
	struct pages_bytes value = entry_value(entry);

	if (tree->main) {
		return take_table(descent, number, entry);
	}
	if ((flags & ~BIG) != 0) {
		return pages_fail(walk, PAGES_ENTRY, number, tree->table);
	}
	if ((flags & BIG) != 0 && !take_big(descent, number, entry, &value)) {
		return false;
	}
	if (tree->free) {
		return take_free(descent, number, entry_key(entry), value);
	}
	if (walk->record != NULL) {
		walk->record(walk->context, tree->table, entry_key(entry), value);
	}
	return true;
}

static bool check_leaf(struct descent *descent, const struct level *level)
{
	const struct tree *tree = descent->tree;

	for (unsigned i = 0; i < level->count; i++) {
		const uint8_t *entry = entry_at(level->page, i);
		struct pages_bytes key = entry_key(entry);

		if (!has_good_key(tree, entry)) {
			return pages_fail(descent->walk, PAGES_ENTRY, level->number, tree->table);
		}
		if ((descent->last.at != NULL && compare(tree, descent->last, key) >= 0) ||
			(descent->bound.at != NULL && compare(tree, descent->bound, key) > 0)) {
			return pages_fail(descent->walk, PAGES_ORDER, level->number, tree->table);
		}
		descent->bound.at = NULL;
		descent->last = key;
		if (!take_entry(descent, level->number, entry)) {
			return false;
		}
	}
	return true;
}

/* --- trees ------------------------------------------------------------------------------------ */

/* Enters a page, which becomes the last level. `from`: the page that names it. */
static bool enter(struct descent *descent, uint64_t number, uint64_t from)
{
	struct pages_walk *walk = descent->walk;
	int table = descent->tree->table;
	bool branch = descent->depth + 1 < descent->tree->depth;
	struct level level = { .number = number };

	if (!claim(walk, number, from, table)) {
		return false;
	}
	if (!branch && !descent->leaves) {
		return number < walk->size / walk->page_size ||
		       pages_fail(walk, PAGES_SHORT, number, table);
	}
	level.page = page_at(walk, number, table);
	if (level.page == NULL || !check_page(descent, level.page, number, branch, &level.count)) {
		return false;
	}
	if (!branch) {
		return check_leaf(descent, &level);
	}
	if (!check_branch_keys(descent, &level)) {
		return false;
	}
	descent->levels[descent->depth++] = level;
	return true;
}

/* Goes on with the next page below the last level, or leaves that level. */
static bool step(struct descent *descent)
{
	struct level *level = &descent->levels[descent->depth - 1];
	const uint8_t *entry;

	if (level->next == level->count) {
		descent->depth--;
		return true;
	}
	entry = entry_at(level->page, level->next);
	if (level->next++ > 0) {
		descent->bound = entry_key(entry);
		if (descent->last.at != NULL &&
			compare(descent->tree, descent->last, descent->bound) >= 0) {
			return pages_fail(
				descent->walk, PAGES_ORDER, level->number, descent->tree->table);
		}
	}
	return enter(descent, entry_child(entry), level->number);
}

static bool walk_tree(struct pages_walk *walk, const struct tree *tree)
{
	struct descent descent = {
		.walk = walk, .tree = tree, .leaves = walk->leaves || tree->free || tree->main
	};

	if (tree->root == NO_PAGE) {
		return tree->depth == 0 ||
		       pages_fail(walk, PAGES_DEPTH, walk->commit % 2, tree->table);
	}
	if (tree->depth == 0 || tree->depth > MAX_DEPTH) {
		return pages_fail(walk, PAGES_DEPTH, walk->commit % 2, tree->table);
	}
	if (!enter(&descent, tree->root, walk->commit % 2)) {
		return false;
	}
	while (descent.depth > 0) {
		if (!step(&descent)) {
			return false;
		}
	}
	return true;
}

/* --- all of them ------------------------------------------------------------------------------ */

static struct tree tree_of(const uint8_t *record)
{
	return (struct tree){
		.depth = get16(record + TREE_DEPTH), .root = get64(record + TREE_ROOT), .table = -1
	};
}

bool pages_walk(struct pages_walk *walk)
{
	const uint8_t *meta = pages_find_meta(walk);
	struct tree main, free;

	if (meta == NULL) {
		return false;
	}
	walk->last = get64(meta + META_LAST);
	if (walk->last < 1 || walk->last >= walk->map_size / walk->page_size) {
		return pages_fail(walk, PAGES_RANGE, walk->commit % 2, -1);
	}
	main = tree_of(meta + META_MAIN);
	main.main = true;
	free = tree_of(meta + META_FREE);
	free.free = true;
	return walk_tree(walk, &main) && walk_tree(walk, &free);
}
