/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * forward_report: what http-check found, for people and with --json, and what to set where
 * something is wrong.
 */

#include "tools/forward.h"

/* Where authz-http listens. */
struct forward_place {
	const char *host;      /* "127.0.0.1:9180" */
	const char *unix_path; /* NULL: host over TCP */
	const char *path;      /* "/check" */
};

struct forward_report {
	struct forward_place place;
	enum forward_family family; /* that was asked as; FORWARD_NONE: all, and none was right */
	struct http_answer answer;
	struct forward_decision decision;
};

/* Reports why there is no answer. The exit status. */
int forward_report_failure(
	struct app *app, const struct forward_report *report, enum http_result result, int error);

/* Prints the report, or reports an answer that is not a decision. The exit status. */
int forward_report_print(
	struct app *app, const struct forward_report *report, const struct forward_asked *asked);
