/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * console_page: the console's page with its script and style, as tools/console/bundle.py makes it
 * of tools/console; or none, in a program that was built without.
 */

#include <stddef.h>

struct http_console_page {
	const unsigned char *bytes; /* HTML, compressed by gzip */
	size_t len;                 /* 0: built without */
	const char *policy; /* Content-Security-Policy, which allows this script and style alone */
};

extern const struct http_console_page http_console_page;

/* What to do where there is none. */
#define HTTP_CONSOLE_NOT_BUILT                                                                     \
	"this program was built without the console's page: it needs npm's modules of "            \
	"tools/console (tools/setup), and meson's option -Dconsole=enabled"
