/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * review: an access review, the record that an auditor signs: every principal with its roles, their
 * places and ends, its keys with the scopes that they use and do not use, its last use, and what
 * changed since a date.
 *
 * review_read fetches it from the daemon, page by page, so it is not a snapshot: a change that is
 * made meanwhile may be in it or not. Times in it are RFC 3339, in UTC.
 */

#include <jansson.h>
#include <stdio.h>

#include "tools/app.h"

/*
 * An object:
 *
 *     tenant       the tenant, or "*" for all
 *     made_at      when it was begun
 *     revision     of the policy; absent when a token may not see it
 *     since        from when on changes are listed
 *     principals   what principals.list gives of each, by tenant and id, and
 *                    last_used_at   the latest use of a key; absent: none was used
 *                    assignments    as assignments.list gives them
 *                    keys           as keys.list gives them, and what keys.audit finds of each
 *     everyone     of each tenant `every principal` and `every caller`, if all hold a role: as a
 *                  principal of kind `everyone` or `anyone`
 *     keys         the keys of no principal
 *     roles        what roles.list gives of each, and `holders`, how many principals hold it itself
 *     changes      as audit.list gives them
 *
 * EXIT_YES and a reference in *out; or another status, reported.
 */
int review_read(struct app *app, json_t **out);

/* One line for each role and each key that somebody holds, and for each change: RFC 4180. A cell
 * that a spreadsheet would take for a formula begins with an apostrophe. */
void review_put_csv(const json_t *review, FILE *file);

/* One page that needs nothing else: no other file, no network, no script but its own. */
void review_put_html(const json_t *review, FILE *file);

/* --- for the two writers ---------------------------------------------------------------------- */

/* A member that is a text, or "". Lives as long as the object. */
const char *review_text(const json_t *object, const char *name);

/* What a reviewer should see beside the fields: arrays of texts, new references. */
json_t *review_assignment_notes(const json_t *assignment);
json_t *review_key_notes(const json_t *key);
json_t *review_change_notes(const json_t *change);
