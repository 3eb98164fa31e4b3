/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pepper_fuzz: any bytes as the secrets' file. It is read, or refused with a sentence, and stays as
 * it was.
 */
#include "daemon/secret/token.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static char path[128];
	char why[SECRET_WHY] = "", *bytes = malloc(size + 1);
	struct secrets *secrets = NULL;
	int fd, r;

	fuzz_require(bytes != NULL);
	if (path[0] == '\0') {
		fuzz_folder();
		fuzz_path(path, sizeof path, "pepper");
	}
	fuzz_write(path, data, size);
	r = secrets_open(path, false, &secrets, why);
	fuzz_require((r == 0) == (secrets != NULL) && (r == 0 || why[0] != '\0'));
	secrets_close(secrets);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	fuzz_require(fd >= 0 && read(fd, bytes, size + 1) == (ssize_t)size);
	fuzz_require(size == 0 || memcmp(bytes, data, size) == 0);
	close(fd);
	free(bytes);
	return 0;
}
