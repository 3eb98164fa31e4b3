/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * page: HTML pages of this folder, embedded in the tool by embed.py.
 */

#include <stddef.h>
#include <stdio.h>

struct page_part {
	const unsigned char *bytes; /* UTF-8 */
	size_t size;
};

/* A page without its title and its data, each of which stands between two parts. */
struct page {
	struct page_part to_title;
	struct page_part to_data;
	struct page_part to_end;
};

extern const struct page page_policy_show;
extern const struct page page_review;

void page_put_part(FILE *file, struct page_part part);

/* A text, escaped for an element or a quoted attribute. */
void page_put_text(FILE *file, const char *text);
