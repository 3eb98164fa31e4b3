/* SPDX-License-Identifier: Apache-2.0 */
/* console_page_none: stands in for the page where it was not built. */
#include "client/http/console_page.h"

const struct http_console_page http_console_page = { NULL, 0, "" };
