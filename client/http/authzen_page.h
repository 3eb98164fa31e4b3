/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * authzen_page: the page of a search, and its tokens. A token is a print of what was asked and the
 * cursor of the daemon's list, so that it is good for the same search alone. Neither is a secret,
 * and nobody gains by a forged one: it asks what could be asked without. The limit is not part of
 * the print, since clients leave it out of later pages, as the certification does.
 */

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "client/http/authzen_entity.h"

struct authzen_page {
	bool given; /* the request has a page */
	size_t limit;
	const char *cursor; /* a view of the request; "": from the beginning */
};

/* Computes the print of a search: its entities and context, without what it looks for. */
bool authzen_page_print(const json_t *request, enum authzen_sought sought, uint64_t *out,
	struct authzen_fault *fault);

/* Reads `page`. False: a fault, also for a token of another search. */
bool authzen_page_read(const json_t *request, uint64_t print, struct authzen_page *out,
	struct authzen_fault *fault);

/* A token, to be freed with free(3), or NULL without memory. */
char *authzen_page_token(uint64_t print, const char *cursor);
