/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/page/page.h"

void page_put_part(FILE *file, struct page_part part)
{
	fwrite(part.bytes, 1, part.size, file);
}

void page_put_text(FILE *file, const char *text)
{
	for (; *text != '\0'; text++) {
		switch (*text) {
		case '&':
			fputs("&amp;", file);
			break;
		case '<':
			fputs("&lt;", file);
			break;
		case '>':
			fputs("&gt;", file);
			break;
		case '"':
			fputs("&quot;", file);
			break;
		case '\'':
			fputs("&#39;", file);
			break;
		default:
			fputc(*text, file);
		}
	}
}
