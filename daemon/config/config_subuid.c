/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/config/config.h"

#define DEFAULT_FILE "/etc/subuid"

/* Ranges that are read; the file of a machine has one for each login user. */
enum { MAX_RANGES = 65536, MAX_LINE = 512 };

static bool read_number(const char *text, char end, uint64_t *out)
{
	char *stop = NULL;

	errno = 0;
	*out = strtoull(text, &stop, 10);
	return errno == 0 && text[0] >= '0' && text[0] <= '9' && *stop == end;
}

/* `USER:FIRST:COUNT`, where USER is a name or a number. A user that the machine does not know still
 * holds the range together: it counts as its first uid. */
static bool read_range(char *line, struct config_subuids *out)
{
	char *first = strchr(line, ':'), *count = first != NULL ? strchr(first + 1, ':') : NULL;
	uint64_t number, length, owner;
	const struct passwd *user;

	if (line[0] == '#' || count == NULL) {
		return false;
	}
	*first++ = '\0';
	*count++ = '\0';
	count[strcspn(count, "\r\n")] = '\0';
	if (!read_number(first, '\0', &number) || !read_number(count, '\0', &length) ||
		number == 0 || length == 0 || number > UINT32_MAX ||
		length - 1 > UINT32_MAX - number) {
		return false;
	}
	out->first = (uid_t)number;
	out->last = (uid_t)(number + length - 1);
	if (read_number(line, '\0', &owner)) {
		out->owner = (uid_t)owner;
	} else {
		user = getpwnam(line);
		out->owner = user != NULL ? user->pw_uid : out->first;
	}
	return true;
}

static int compare(const void *a, const void *b)
{
	const struct config_subuids *left = a, *right = b;

	return left->first < right->first ? -1 : left->first > right->first;
}

static int keep(struct config *config, const struct config_subuids *ranges, size_t count)
{
	struct config_subuids *kept = pol_arena_alloc(&config->arena, count, sizeof *kept);

	if (kept == NULL) {
		return -ENOMEM;
	}
	memcpy(kept, ranges, count * sizeof *kept);
	qsort(kept, count, sizeof *kept, compare);
	config->subuids = kept;
	config->subuid_count = count;
	return 0;
}

int config_subuid_read(struct config *config, char why[static CONFIG_WHY])
{
	const char *path = config->subuid != NULL ? config->subuid : DEFAULT_FILE;
	struct config_subuids *ranges;
	char line[MAX_LINE];
	size_t count = 0;
	FILE *file = fopen(path, "re");
	int r = 0;

	if (file == NULL) {
		/* Without the default file each uid counts for itself. */
		r = config->subuid == NULL ? 0 : -errno;
		snprintf(why, CONFIG_WHY, "cannot read the subordinate uids: %s: %s", strerror(-r),
			path);
		return r;
	}
	ranges = calloc(MAX_RANGES, sizeof *ranges);
	while (ranges != NULL && count < MAX_RANGES && fgets(line, sizeof line, file) != NULL) {
		count += read_range(line, &ranges[count]);
	}
	fclose(file);
	if (ranges == NULL || (count > 0 && keep(config, ranges, count) < 0)) {
		snprintf(why, CONFIG_WHY, "out of memory");
		r = -ENOMEM;
	}
	free(ranges);
	return r;
}

uid_t config_subuid_owner(const struct config *config, uid_t uid)
{
	size_t low = 0, high = config->subuid_count;

	/* The last range that begins at uid or before. */
	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (config->subuids[middle].first <= uid) {
			low = middle + 1;
		} else {
			high = middle;
		}
	}
	return low > 0 && uid <= config->subuids[low - 1].last ? config->subuids[low - 1].owner
							       : uid;
}
