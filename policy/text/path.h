/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * path: the one function that reads what a request calls its path.
 *
 * The bytes as the web server saw them become segments, or are refused; nothing is guessed and
 * nothing is resolved. A path that could mean two things to two programs (dot segments in any
 * spelling, encoded slashes, something to decode twice) is never a path. No allocation, any
 * thread.
 *
 * What is refused follows the advisories on proxies that normalised differently from what stood
 * behind them: CVE-2019-9901, CVE-2021-29492, CVE-2021-32779 (Envoy).
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "policy/text/status.h"
#include "policy/text/str.h"

/* What a segment of a declared path, or of a pattern, stands for. */
enum pol_segment_kind {
	POL_SEGMENT_LITERAL,  /* text is percent-decoded */
	POL_SEGMENT_PARAM,    /* {name}: text is the name */
	POL_SEGMENT_REST,     /* {name...}: text is the name */
	POL_SEGMENT_STAR,     /* grants alone */
	POL_SEGMENT_STARSTAR, /* grants alone, the last one */
	POL_SEGMENT_LOST      /* trees alone, the last one: it was not understood; text is raw */
};

/* Longer than any URL that browsers and proxies let through by default. */
#define POL_PATH_BYTES    4096
#define POL_PATH_SEGMENTS 64

/*
 * A request's path, decoded. The segments are views into the raw bytes, or, where something was
 * percent-encoded, into `decoded`: the structure must not be copied, and the raw bytes must
 * outlive it. Never zeroed: only `count` segments mean anything.
 */
struct pol_path {
	uint32_t count;   /* 0 is the root */
	uint32_t used;    /* of decoded */
	uint64_t encoded; /* a bit for each segment, 1 << its number: it was percent-encoded */
	struct pol_str segments[POL_PATH_SEGMENTS];
	char decoded[POL_PATH_BYTES];
};

/* Reads a raw path; `*out` needs no initialisation. POL_EINVALID: refused, `out->count` is 0 and
 * its segments mean nothing. */
enum pol_status pol_path_read(struct pol_str raw, struct pol_path *out);

/* A path that several decisions ask for, so that it is read once. The caller's; `known` is set to
 * false before the first of them, and all of them are about the same bytes. */
struct pol_path_memo {
	bool known;
	enum pol_status status;
	struct pol_path path;
};

/* The same as pol_path_read into memo->path, done at the first time alone. */
enum pol_status pol_path_recall(struct pol_str raw, struct pol_path_memo *memo);

/* Why pol_path_read refuses these bytes, for diagnostics: "an empty segment". NULL: it does not. */
const char *pol_path_fault(struct pol_str raw);

/* Splits `TREE:/path` at its first colon, views into it. False when there is no colon followed by
 * a slash, or nothing before it. The path is not looked at. */
bool pol_path_split(struct pol_str resource, struct pol_str *out_tree, struct pol_str *out_path);

/*
 * One spelling for each place: decoded as pol_path_read does, and written again with no query, no
 * trailing slash (the root's own stays), and `%`, `?`, `#` and `;` as %25, %3F, %23 and %3B, all
 * else as it is. So equal places are equal bytes, and doing it twice changes nothing. `room` holds
 * place.len bytes, which always suffice; *out lies in it. POL_EINVALID: it is no place.
 */
enum pol_status pol_path_place_normalise(struct pol_str place, char *room, struct pol_str *out);

/*
 * Why a path that was read names no place: a segment `*`, `**`, `{name}` or `{name...}`, however it
 * was written, is a pattern's. Taken as a value it would be at hardly anything, and a denial there
 * would never bite. NULL: it may be one.
 */
const char *pol_path_place_fault(const struct pol_path *path);

/* Zero is "the place says nothing about this tree". */
enum pol_path_place_match { POL_PLACE_ELSEWHERE = 0, POL_PLACE_OUTSIDE, POL_PLACE_INSIDE };

/*
 * Where a request stands beside the place (`TREE:/path`, raw) of an assignment or a key: in
 * another tree, outside, or at it or below it. A malformed place is elsewhere: nothing that it
 * allows counts, and all that it denies does.
 */
enum pol_path_place_match pol_path_place_match(
	struct pol_str place, struct pol_str tree, const struct pol_path *path);
