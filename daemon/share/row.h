/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * row: one row of the shared log: a batch of the writer, or a part of one.
 *
 * The payload is what a batch put and deleted (store/changes.h) and the revision of the policy by
 * which it was judged. It is sealed with a key that is derived from the realm. The tag is a keyed
 * BLAKE2b-256 (secret_chain, SECRET_LOG) over the tag of the row before, the realm, the epoch and
 * every column. A new pepper changes neither key. So a program that has the database can stop the
 * log or hide its end, and can neither read, forge, change nor reorder rows.
 *
 * Pure, except for the random nonce. Any thread.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "policy/snapshot/revision.h"
#include "policy/text/str.h"

struct secrets;
struct share_head;

#define SHARE_TAG      32
#define SHARE_NONCE    16
#define SHARE_INSTANCE 16
#define SHARE_HOST     64 /* bytes of a host's name */

/* The format of rows and of what is in them. A host refuses a row of a later one. */
#define SHARE_FORMAT 1

/* A larger batch is refused: PostgreSQL keeps a value in memory several times. */
#define SHARE_MAX_PAYLOAD ((size_t)64 << 20)

enum share_asks {
	SHARE_ASKS_REPORT = 1 << 0, /* hosts report at once that they have applied the row */
};

struct share_row {
	uint64_t sequence; /* from 1, without gaps */
	struct pol_str host;
	uint8_t nonce[SHARE_NONCE];
	int64_t at; /* microseconds since 1970, by the host's clock */
	uint32_t format;
	uint32_t asks;          /* enum share_asks */
	struct pol_str payload; /* sealed */
	uint8_t tag[SHARE_TAG];
};

/* What is in a payload. */
struct share_content {
	struct pol_str revision; /* of the policy that judged; empty: none was asked */
	struct pol_str changes;  /* store/changes.h */
};

/* The size of a sealed payload. */
size_t share_row_size(const struct share_content *content);

/* Makes the row that follows `before`: sequence, nonce, payload and tag; host, at and asks are the
 * caller's. The payload is written to `out`, which has room for share_row_size bytes. -E2BIG. */
int share_row_make(const struct secrets *secrets, const struct share_head *before,
	const struct share_content *content, uint8_t *out, struct share_row *row);

/* Is the row the one that follows `before`? 0; -EBADMSG: its tag is not right, or it is another
 * realm's; -EPROTONOSUPPORT: its format is later than SHARE_FORMAT. */
int share_row_check(const struct secrets *secrets, const struct share_head *before,
	const struct share_row *row);

/* Opens the payload of a row that was checked into `out`, which has room for payload.len bytes. The
 * content's texts are views of it. -EBADMSG. */
int share_row_open(const struct secrets *secrets, const struct share_head *before,
	const struct share_row *row, uint8_t *out, struct share_content *content);

/* The row as bytes, as the store keeps it: share_row_size of its payload and SHARE_ROW_FIXED. */
#define SHARE_ROW_FIXED (8 + 1 + SHARE_HOST + SHARE_NONCE + 8 + 4 + 4 + 4 + SHARE_TAG)
size_t share_row_encode(const struct share_row *row, uint8_t *out);
/* False: these are not such bytes. The row's texts are views of them. */
bool share_row_decode(struct pol_str bytes, struct share_row *out);

/* A place in the log as text, for `as_of` and `--at`: the sequence, `-`, and the first 8 bytes of
 * the tag in hex. */
#define SHARE_PLACE_TEXT (20 + 1 + 16 + 1)
void share_place_format(
	uint64_t sequence, const uint8_t tag[SHARE_TAG], char out[SHARE_PLACE_TEXT]);
bool share_place_parse(struct pol_str text, uint64_t *out_sequence, uint8_t out_tag[8]);
