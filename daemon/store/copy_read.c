/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/store/copy_read.h"

#include <errno.h>
#include <string.h>

#include "daemon/store/bytes.h"

int copy_is_damaged(struct copy_reader *reader, const char *how)
{
	return store_why(reader->why, -EBADMSG, "the copy %s: take another one", how);
}

/* 1 + the table's number; 0: there is no such table. */
static uint8_t find_table(const struct copy_reader *reader, MDB_val name)
{
	for (unsigned i = 0; i < STORE_TABLES; i++) {
		const char *known = store_table_name((enum store_table)i);

		if (copy_has((enum store_table)i, reader->whole) && strlen(known) == name.mv_size &&
			memcmp(known, name.mv_data, name.mv_size) == 0) {
			return (uint8_t)(i + 1);
		}
	}
	return 0;
}

static int take_entry(struct copy_reader *reader, uint8_t number, MDB_val key, MDB_val value)
{
	if (reader->ended) {
		return copy_is_damaged(reader, "goes on after its end");
	}
	if (number == COPY_NAME && value.mv_size == 1) {
		reader->tables[*(uint8_t *)value.mv_data] = find_table(reader, key);
		return 0;
	}
	if (number == COPY_END && value.mv_size == COPY_END_SIZE) {
		reader->ended = true;
		reader->end.count = store_get64(value.mv_data);
		memcpy(reader->end.tag, (uint8_t *)value.mv_data + 8, STORE_CHAIN);
		return 0;
	}
	if (reader->tables[number] == 0) {
		return copy_is_damaged(
			reader, "is of a version of authzd that this one does not know");
	}
	return reader->put(
		reader->context, (enum store_table)(reader->tables[number] - 1), key, value);
}

static int take_entries(struct copy_reader *reader, struct pol_str bytes)
{
	const uint8_t *at = (const uint8_t *)bytes.ptr;
	size_t left = bytes.len;

	while (left > 0) {
		MDB_val key, value;
		size_t whole;
		int r;

		if (left < COPY_ENTRY) {
			return copy_is_damaged(reader, "is damaged");
		}
		key = (MDB_val){ store_get16(at + 1), (void *)(uintptr_t)(at + COPY_ENTRY) };
		value = (MDB_val){ store_get32(at + 3), (uint8_t *)key.mv_data + key.mv_size };
		whole = COPY_ENTRY + key.mv_size + value.mv_size;
		if (whole > left) {
			return copy_is_damaged(reader, "is damaged");
		}
		r = take_entry(reader, at[0], key, value);
		if (r < 0) {
			return r;
		}
		at += whole;
		left -= whole;
	}
	return 0;
}

int copy_read_piece(
	struct copy_reader *reader, const uint8_t header[static COPY_HEADER], struct pol_str bytes)
{
	uint8_t tag[SECRET_CHAIN];

	secret_chain(reader->secrets, SECRET_BACKUP, reader->before, bytes, tag);
	if (!secret_equal(tag, header + COPY_LENGTH, sizeof tag)) {
		return store_why(reader->why, -EBADMSG,
			"the copy was altered, or was not made with the pepper %s", reader->pepper);
	}
	memcpy(reader->before, tag, sizeof tag);
	return take_entries(reader, bytes);
}

int copy_check_end(struct copy_reader *reader, struct store_read *read)
{
	struct store_head head;
	int r;

	if (!reader->ended) {
		return copy_is_damaged(reader, "is cut short");
	}
	r = store_get_head(read, &head);
	if (r == 0 && (head.count != reader->end.count ||
			      memcmp(head.tag, reader->end.tag, STORE_CHAIN) != 0)) {
		return copy_is_damaged(reader, "is damaged");
	}
	return r;
}
