/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * holders: roles, principals and keys of which something is true, each with the roles to which it
 * owes that: the answers of `who` and `roles.holders`.
 */

#include "tools/app.h"
#include "tools/rpc.h"

struct holders {
	const char *method;
	const char *nobody; /* what is said when there is none */
	/* Puts the parameters beside those of the options. EXIT_YES, or another status, reported.
	 */
	int (*fill)(struct app *app, struct params *params);
};

/* Prints every page: a table, or with --json the document {"items": […]}. */
int holders_list(struct app *app, const struct holders *holders);
