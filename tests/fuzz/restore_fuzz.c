/* SPDX-License-Identifier: Apache-2.0 */
/*
 * restore_fuzz: any bytes as the pieces of a store's copy, under right tags, and as the file
 * itself. A restore puts a whole store in place, which opens, or says why not and leaves the old
 * one as it is.
 *
 * A byte of the input gives the length of the next piece, in sixteens; 255 takes all that is left.
 */
#include <errno.h>

#include "daemon/store/bytes.h"
#include "daemon/store/copy_format.h"
#include "tests/fuzz/store.h"

static char path[128], pepper[128], copy[128];
static const struct store_options options = { .path = path,
	.pepper = pepper,
	.map_size = (size_t)16 << 20,
	.readers = 2,
	.accept_rollback = true };
static struct secrets *secrets;

static void forget(const char *suffix)
{
	char name[160];

	snprintf(name, sizeof name, "%s%s", path, suffix);
	fuzz_require(unlink(name) == 0 || errno == ENOENT);
}

static void forget_store(void)
{
	static const char *const suffixes[] = { "", "-lock", "-head", ".before", ".before-head",
		".restoring", ".restoring-lock", ".restoring-head", ".creating" };

	for (size_t i = 0; i < sizeof suffixes / sizeof suffixes[0]; i++) {
		forget(suffixes[i]);
	}
}

/* Returns the bytes of the file: the beginning, and each piece with its tag. */
static size_t write_pieces(uint8_t *out, const uint8_t *data, size_t size)
{
	uint8_t before[SECRET_CHAIN] = { 0 };
	size_t used = strlen(COPY_BEGINNING);

	memcpy(out, COPY_BEGINNING, used);
	while (size > 0) {
		size_t len = data[0] == 255 ? size - 1 : (size_t)data[0] * 16;

		data++;
		size--;
		len = len < size ? len : size;
		store_put32(out + used, (uint32_t)len);
		secret_chain(secrets, SECRET_BACKUP, before,
			(struct pol_str){ (const char *)data, len }, before);
		memcpy(out + used + COPY_LENGTH, before, sizeof before);
		memcpy(out + used + COPY_HEADER, data, len);
		used += COPY_HEADER + len;
		data += len;
		size -= len;
	}
	return used;
}

static void restore(const uint8_t *bytes, size_t size)
{
	struct store_restored restored;
	struct store *store = NULL;
	char why[STORE_WHY] = "";
	int fd, r;

	fuzz_write(copy, bytes, size);
	fd = open(copy, O_RDONLY | O_CLOEXEC);
	fuzz_require(fd >= 0);
	r = store_restore(&options, fd, &restored, why);
	close(fd);
	fuzz_require(r == 0 || why[0] != '\0');
	if (r == 0) {
		fuzz_require(store_open(&options, &store, why) == 0);
		store_close(store);
	} else {
		fuzz_require(access(path, F_OK) != 0);
	}
	forget_store();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char why[SECRET_WHY];
	uint8_t *bytes = malloc(size * (COPY_HEADER + 1) + sizeof COPY_BEGINNING);

	fuzz_require(bytes != NULL);
	if (secrets == NULL) {
		fuzz_folder();
		fuzz_secrets(pepper, sizeof pepper);
		fuzz_path(path, sizeof path, "store.mdb");
		fuzz_path(copy, sizeof copy, "copy");
		fuzz_require(secrets_open(pepper, false, &secrets, why) == 0);
	}
	restore(bytes, write_pieces(bytes, data, size));
	restore(data, size);
	free(bytes);
	return 0;
}
