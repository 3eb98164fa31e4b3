/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/load/last_good.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/wire.h"
#include "daemon/load/kept.h"
#include "policy/snapshot/snapshot.h"

/* Between the first line and the tag, in MessagePack: an array of the revision, the names of the
 * modules, the hash of their code, and an array of names and texts by turns. */
static const struct kept_form form = {
	.name = LAST_GOOD_NAME,
	.head = "authzd policy 1\n",
	.max = LAST_GOOD_MAX,
	.link = SECRET_LAST_GOOD,
};

bool last_good_exists(const char *state)
{
	return kept_exists(&form, state);
}

uint64_t last_good_code(const struct pol_snapshot *snapshot)
{
	struct pol_snapshot_module module;
	uint64_t sum = 0;

	/* A sum, since the order of the modules says nothing. */
	for (size_t i = 0; pol_snapshot_module(snapshot, i, &module); i++) {
		sum += pol_revision_hash64(module.name, module.hash);
	}
	return sum;
}

/* --- the bytes -------------------------------------------------------------------------------- */

static void put_str(struct wire_buf *out, struct pol_str text)
{
	wire_put_str(out, (struct wire_str){ text.ptr != NULL ? text.ptr : "", text.len });
}

static void put_modules(struct wire_buf *out, const struct pol_snapshot *snapshot)
{
	struct pol_snapshot_module module;
	uint32_t count = 0;
	size_t at = wire_open_array(out);

	for (; pol_snapshot_module(snapshot, count, &module); count++) {
		put_str(out, module.name);
	}
	wire_close_array(out, at, count);
}

static void encode(struct wire_buf *out, const struct pol_snapshot *snapshot)
{
	size_t count;
	const struct pol_source *sources = pol_snapshot_files(snapshot, &count);

	wire_put_array(out, 4);
	wire_put_cstr(out, pol_snapshot_revision(snapshot));
	put_modules(out, snapshot);
	wire_put_int(out, (int64_t)last_good_code(snapshot));
	wire_put_array(out, (uint32_t)(2 * count));
	for (size_t i = 0; i < count; i++) {
		put_str(out, sources[i].name);
		put_str(out, sources[i].text);
	}
}

static bool copy_text(struct wire_cursor *from, struct pol_str *out)
{
	struct wire_str text;
	char *copy;

	if (!wire_read_text(from, &text)) {
		return false;
	}
	copy = malloc(text.len + 1);
	if (copy == NULL) {
		return false;
	}
	memcpy(copy, text.ptr, text.len);
	copy[text.len] = '\0';
	*out = (struct pol_str){ copy, text.len };
	return true;
}

/* The sources into a folder without entries; NULL: no memory, or not in this form. */
static struct folder *decode_sources(struct wire_cursor *from, const char *path)
{
	struct folder *folder = calloc(1, sizeof *folder);
	uint32_t count;

	if (folder == NULL || !wire_read_array(from, &count) || count % 2 != 0 ||
		count > 2 * FOLDER_MAX_FILES) {
		goto fail;
	}
	folder->path = strdup(path);
	folder->sources = calloc(count / 2 + 1, sizeof *folder->sources);
	if (folder->path == NULL || folder->sources == NULL) {
		goto fail;
	}
	for (uint32_t i = 0; i < count / 2; i++) {
		struct pol_source *source = &folder->sources[folder->source_count++];

		if (!copy_text(from, &source->name) || !copy_text(from, &source->text)) {
			goto fail;
		}
	}
	return folder;

fail:
	folder_destroy(folder);
	return NULL;
}

static bool read_modules(struct wire_cursor *from, uint32_t *out)
{
	struct wire_str name;

	if (!wire_read_array(from, out)) {
		return false;
	}
	for (uint32_t i = 0; i < *out; i++) {
		if (!wire_read_text(from, &name)) {
			return false;
		}
	}
	return true;
}

static int decode(struct pol_str bytes, const char *path, struct last_good *out)
{
	struct wire_cursor from = wire_cursor_of(bytes.ptr, bytes.len);
	struct wire_str revision;
	uint32_t fields;
	int64_t code;

	if (!wire_read_array(&from, &fields) || fields != 4 || !wire_read_text(&from, &revision) ||
		revision.len >= sizeof out->revision || !read_modules(&from, &out->modules) ||
		!wire_read_int(&from, &code)) {
		return -EBADMSG;
	}
	memcpy(out->revision, revision.ptr, revision.len);
	out->code = (uint64_t)code;
	out->folder = decode_sources(&from, path);
	return out->folder != NULL ? 0 : -ENOMEM;
}

/* --- the file --------------------------------------------------------------------------------- */

int last_good_drop(const char *state)
{
	return kept_drop(&form, state);
}

int last_good_keep(
	const char *state, const struct secrets *secrets, const struct pol_snapshot *snapshot)
{
	struct wire_buf bytes;
	int r;

	kept_begin(&form, &bytes);
	encode(&bytes, snapshot);
	r = kept_write(&form, state, secrets, &bytes);
	wire_buf_finish(&bytes);
	return r;
}

int last_good_read(const char *state, const struct secrets *secrets, const char *path,
	struct last_good *out, char why[static FOLDER_WHY])
{
	struct kept kept;
	int r;

	*out = (struct last_good){ .folder = NULL };
	r = kept_read(&form, state, secrets, &kept, why);
	if (r < 0) {
		return r;
	}
	out->at = kept.at;
	r = decode(kept.bytes, path, out);
	if (r < 0) {
		snprintf(why, FOLDER_WHY, "%.512s/" LAST_GOOD_NAME " cannot be read: %s", state,
			strerror(-r));
	}
	kept_free(&kept);
	return r;
}

void last_good_build(struct last_good *kept, struct build_options options, struct build *out)
{
	if (kept->modules == 0) {
		options.modules = NULL;
	}
	options.untested = true;
	build_run_sources(out, &options, kept->folder);
	kept->folder = NULL;
	if (out->snapshot != NULL && last_good_code(out->snapshot) != kept->code) {
		struct folder *sources = out->folder;

		out->folder = NULL;
		build_finish(out);
		options.untested = false;
		build_run_sources(out, &options, sources);
	}
}

void last_good_finish(struct last_good *kept)
{
	folder_destroy(kept->folder);
	kept->folder = NULL;
}
