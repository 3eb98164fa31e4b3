/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/store/page.h"

#define MARKS (MAX_SIZE / 2 / 64)

/* The bytes that an entry takes, its header inside the page. */
static size_t entry_whole(const uint8_t *entry, bool branch)
{
	size_t whole = ENTRY_HEADER + (size_t)get16(entry + ENTRY_KEY_SIZE);

	if (!branch) {
		whole += (get16(entry + ENTRY_FLAGS) & BIG) != 0 ? sizeof(uint64_t)
								 : entry_size(entry);
	}
	return (whole + 1) & ~(size_t)1;
}

/* Do the entries cover the bytes from `upper` to the page's end, each once? They do if they begin
 * at different offsets, each ends where another begins or the page ends, and their sizes add up. */
static enum pages_fault check_cover(
	const uint8_t *page, size_t page_size, unsigned count, size_t upper, bool branch)
{
	uint64_t marks[MARKS];
	size_t sum = 0;

	memset(marks, 0, page_size / 2 / 8);
	for (unsigned i = 0; i < count; i++) {
		size_t at = get16(page + PAGE_HEADER + 2 * i);
		uint64_t bit = UINT64_C(1) << at / 2 % 64;

		if (at < upper || at % 2 != 0 || at > page_size - ENTRY_HEADER) {
			return PAGES_BOUNDS;
		}
		if ((marks[at / 128] & bit) != 0) {
			return PAGES_OVERLAP;
		}
		marks[at / 128] |= bit;
	}
	for (unsigned i = 0; i < count; i++) {
		size_t at = get16(page + PAGE_HEADER + 2 * i);
		size_t whole = entry_whole(page + at, branch);
		size_t end = at + whole;

		if (whole > page_size - at) {
			return PAGES_BOUNDS;
		}
		if (end < page_size && (marks[end / 128] >> end / 2 % 64 & 1) == 0) {
			return PAGES_OVERLAP;
		}
		sum += whole;
	}
	return sum == page_size - upper ? PAGES_SOUND : PAGES_OVERLAP;
}

enum pages_fault page_check(
	const uint8_t *page, const struct page_place *place, unsigned *out_count)
{
	size_t lower = get16(page + PAGE_LOWER), upper = get16(page + PAGE_UPPER);

	if (get64(page) != place->number) {
		return PAGES_NUMBER;
	}
	if (get16(page + PAGE_FLAGS) != (place->branch ? BRANCH : LEAF)) {
		return PAGES_KIND;
	}
	if (lower < PAGE_HEADER || lower % 2 != 0 || lower > upper || upper > place->page_size ||
		(lower - PAGE_HEADER) / 2 < place->least) {
		return PAGES_BOUNDS;
	}
	*out_count = (unsigned)(lower - PAGE_HEADER) / 2;
	return check_cover(page, place->page_size, *out_count, upper, place->branch);
}
