/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * path: the path of a request, and places (`TREE:/path`).
 *
 * A path is read from the bytes that the web server received. It is split and percent-decoded, or
 * refused; nothing is resolved. A path that two programs could read differently is refused: dot
 * segments in any spelling, encoded separators, a segment that a second decoding would change into
 * something else. No allocation, any thread.
 *
 * The refusals follow the advisories on proxies that normalised paths differently from the servers
 * they forwarded to: CVE-2019-9901, CVE-2021-29492, CVE-2021-32779 (Envoy).
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "policy/text/status.h"
#include "policy/text/str.h"

/* The kinds of segments in a declared path or in a pattern. */
enum pol_segment_kind {
	POL_SEGMENT_LITERAL,  /* text is percent-decoded */
	POL_SEGMENT_PARAM,    /* {name}: text is the name */
	POL_SEGMENT_REST,     /* {name...}: text is the name */
	POL_SEGMENT_STAR,     /* `*`, in grants only */
	POL_SEGMENT_STARSTAR, /* `**`, in grants only, the last segment */
	POL_SEGMENT_LOST      /* the rest of a tree's path that could not be parsed; text is raw */
};

/* The limits of a request's path, in bytes and in segments. */
#define POL_PATH_BYTES    4096
#define POL_PATH_SEGMENTS 64

/*
 * A request's path, decoded. A segment is a view of the raw bytes, or of `decoded` if it was
 * percent-encoded: do not copy the structure, and keep the raw bytes as long as it is used. The
 * structure is not zeroed; only the first `count` segments are valid.
 */
struct pol_path {
	uint32_t count;   /* 0 is the root */
	uint32_t used;    /* bytes of `decoded` */
	uint64_t encoded; /* bit 1 << i: segment i was percent-encoded */
	uint64_t percent; /* bit 1 << i: segment i still has a '%', and may be decoded again */
	bool slash;       /* there is a '/' after the last segment */
	struct pol_str segments[POL_PATH_SEGMENTS];
	char decoded[POL_PATH_BYTES];
};

/* Makes it the root, to which the caller may add segments that mean what they are. The bytes of
 * `segments` and `decoded` stay as they are. */
static inline void pol_path_begin(struct pol_path *path)
{
	path->count = 0;
	path->used = 0;
	path->encoded = 0;
	path->percent = 0;
	path->slash = false;
}

/* Reads a raw path, up to its query; `*out` needs no initialisation. POL_EINVALID: refused, and
 * out->count is 0. */
enum pol_status pol_path_read(struct pol_str raw, struct pol_path *out);

/* How many layers of percent-encoding are decoded when a segment is checked; browsers and proxies
 * add one or two. */
#define POL_PATH_LAYERS 8

/* Decodes a segment once more, in place; broken escapes stay. *out_len is the new length, equal to
 * len if nothing changed. False: the result has a separator or a control character. */
bool pol_path_decode_again(char *text, size_t len, size_t *out_len);

/* The result of reading one path, for several decisions about the same bytes by one policy. Belongs
 * to the caller, who calls pol_path_memo_begin before the first of them. */
struct pol_path_memo {
	bool known; /* what pol_path_read said */
	enum pol_status status;
	/* Where the path leads in `tree`, for decide/eval; not set until it was looked up. */
	bool looked_up;
	enum pol_status node_status;
	uint32_t node;
	struct pol_str tree;
	struct pol_path path;
};

/* Nothing is known of the path; the other members stay as they are. */
static inline void pol_path_memo_begin(struct pol_path_memo *memo)
{
	memo->known = false;
	memo->looked_up = false;
}

/* pol_path_read into memo->path; later calls return the first result. */
enum pol_status pol_path_recall(struct pol_str raw, struct pol_path_memo *memo);

/* Why pol_path_read refuses these bytes, for diagnostics: "an empty segment". NULL: it accepts
 * them. */
const char *pol_path_fault(struct pol_str raw);

/* Splits `TREE:/path` at its first colon into two views of it. False: a slash does not follow the
 * colon, or there is nothing before it. The path itself is not checked. */
bool pol_path_split(struct pol_str resource, struct pol_str *out_tree, struct pol_str *out_path);

/*
 * The canonical spelling of a place: equal places become equal bytes. The path is read as
 * pol_path_read does, then written without a query and without a trailing slash (except the
 * root's), with `%` and `;` as %25 and %3B, and all other bytes raw. `buffer` must hold place.len
 * bytes, which is always enough; *out is a view of it. POL_EINVALID: not a place.
 */
enum pol_status pol_path_place_normalise(struct pol_str place, char *buffer, struct pol_str *out);

/*
 * Why a path cannot be a place: a segment is `*`, `**`, `{name}` or `{name...}`, which are for
 * patterns. As a literal value it would match almost no request, so that a denial there would never
 * apply. NULL: it can be one.
 */
const char *pol_path_place_fault(const struct pol_path *path);

/* Elsewhere: the place is in another tree, or is no `TREE:/path`. */
enum pol_path_place_match { POL_PLACE_ELSEWHERE = 0, POL_PLACE_OUTSIDE, POL_PLACE_INSIDE };

/*
 * Compares a request's path with the place of an assignment or a key: is the path in another tree,
 * in the tree but outside of the place, or at the place or below it? The place must be in canonical
 * spelling, which is compared segment by segment and not read again: everything that keeps a place
 * calls pol_path_place_normalise first. Another spelling covers nothing.
 *
 * Places are not kept split into segments beside the record. To compare a usual one takes 30 ns of
 * the 900 of a decision; the record, whose tag takes longer than that, would grow by an offset for
 * each segment. Long places are counted instead (subject_place_cost in
 * daemon/decide/subject.h), so that a call about many of them is decided in turns.
 */
enum pol_path_place_match pol_path_place_match(
	struct pol_str place, struct pol_str tree, const struct pol_path *path);
