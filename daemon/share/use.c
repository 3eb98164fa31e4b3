/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/share/use.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/share/database.h"

enum { BLOCK_KEYS = 1024, BLOCKS = SHARE_USE_NUMBERS / BLOCK_KEYS };

struct line {
	int64_t at;
	uint8_t ip[16];
	uint64_t uses;
	uint64_t denials;
	uint32_t put; /* of this host's counts: what was put last, see mix */
	uint16_t used;
	bool has_ip;
};
_Static_assert(sizeof(struct line) == 48, "as the header says");

struct share_use_table {
	pthread_mutex_t lock;
	bool known;
	struct line *blocks[BLOCKS];
};

int share_use_create(struct share_use_table **out)
{
	struct share_use_table *table = calloc(1, sizeof *table);

	if (table == NULL) {
		return -ENOMEM;
	}
	pthread_mutex_init(&table->lock, NULL);
	*out = table;
	return 0;
}

void share_use_destroy(struct share_use_table *table)
{
	if (table == NULL) {
		return;
	}
	share_use_begin_again(table);
	pthread_mutex_destroy(&table->lock);
	free(table);
}

void share_use_begin_again(struct share_use_table *table)
{
	pthread_mutex_lock(&table->lock);
	table->known = false;
	for (size_t i = 0; i < BLOCKS; i++) {
		free(table->blocks[i]);
		table->blocks[i] = NULL;
	}
	pthread_mutex_unlock(&table->lock);
}

void share_use_set_known(struct share_use_table *table)
{
	pthread_mutex_lock(&table->lock);
	table->known = true;
	pthread_mutex_unlock(&table->lock);
}

/* Under the lock. NULL: nothing is known of the key. */
static struct line *find(struct share_use_table *table, uint64_t number)
{
	struct line *block = number < SHARE_USE_NUMBERS ? table->blocks[number / BLOCK_KEYS] : NULL;

	return block != NULL ? &block[number % BLOCK_KEYS] : NULL;
}

/* Under the lock. NULL: there is no memory, or the number is too high. */
static struct line *make(struct share_use_table *table, uint64_t number)
{
	struct line **block = &table->blocks[number / BLOCK_KEYS % BLOCKS];

	if (number < SHARE_USE_NUMBERS && *block == NULL) {
		*block = calloc(BLOCK_KEYS, sizeof **block);
	}
	return find(table, number);
}

bool share_use_add(struct share_use_table *table, uint64_t number, struct store_use *use)
{
	const struct line *line;
	bool known;

	pthread_mutex_lock(&table->lock);
	known = table->known && number < SHARE_USE_NUMBERS;
	line = find(table, number);
	if (line != NULL) {
		use->uses += line->uses;
		use->denials += line->denials;
		if (line->has_ip && (!use->has_ip || line->at > use->at)) {
			memcpy(use->ip, line->ip, sizeof use->ip);
			use->has_ip = true;
		}
		use->at = line->at > use->at ? line->at : use->at;
	}
	pthread_mutex_unlock(&table->lock);
	return known;
}

int share_use_set(struct share_use_table *table, const struct share_use *sum)
{
	struct line *line;

	pthread_mutex_lock(&table->lock);
	line = make(table, sum->number);
	if (line != NULL) {
		line->at = sum->at;
		line->uses = sum->uses;
		line->denials = sum->denials;
		line->has_ip = sum->has_ip;
		memcpy(line->ip, sum->ip, sizeof line->ip);
	}
	pthread_mutex_unlock(&table->lock);
	return line != NULL || sum->number >= SHARE_USE_NUMBERS ? 0 : -ENOMEM;
}

/* --- what was put ----------------------------------------------------------------------------- */

/* Both counts only grow, so it differs when one did. */
static uint32_t mix(const struct store_use *own)
{
	return (uint32_t)(own->uses + own->denials);
}

bool share_use_is_news(struct share_use_table *table, uint64_t number, const struct store_use *own)
{
	const struct line *line;
	bool news;

	pthread_mutex_lock(&table->lock);
	line = find(table, number);
	news = line == NULL ? mix(own) != 0 : line->put != mix(own);
	pthread_mutex_unlock(&table->lock);
	return news;
}

int share_use_note_put(struct share_use_table *table, uint64_t number, const struct store_use *own)
{
	struct line *line;

	pthread_mutex_lock(&table->lock);
	line = make(table, number);
	if (line != NULL) {
		line->put = mix(own);
	}
	pthread_mutex_unlock(&table->lock);
	return line != NULL || number >= SHARE_USE_NUMBERS ? 0 : -ENOMEM;
}

bool share_used_is_news(struct share_use_table *table, uint64_t number, uint32_t count)
{
	const struct line *line;
	bool news;

	pthread_mutex_lock(&table->lock);
	line = find(table, number);
	news = count != (line != NULL ? line->used : 0);
	pthread_mutex_unlock(&table->lock);
	return news;
}

int share_used_note_put(struct share_use_table *table, uint64_t number, uint32_t count)
{
	struct line *line;

	pthread_mutex_lock(&table->lock);
	line = make(table, number);
	if (line != NULL) {
		line->used = (uint16_t)count;
	}
	pthread_mutex_unlock(&table->lock);
	return line != NULL || number >= SHARE_USE_NUMBERS ? 0 : -ENOMEM;
}
