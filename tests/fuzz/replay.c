/* SPDX-License-Identifier: Apache-2.0 */

/*
 * replay: runs a fuzz target once on each given file, and on each file of given folders.
 * Every compiler builds it, so that seeds and past crashes are an ordinary test.
 */

#include <dirent.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { REPLAY_INPUT = 8 * 1024 * 1024, REPLAY_PATH = 4096 };

static int replay_file(const char *path)
{
	FILE *file = fopen(path, "rb");
	uint8_t *data = malloc(REPLAY_INPUT);
	size_t size;
	int r = -1;

	if (file == NULL || data == NULL) {
		fprintf(stderr, "%s: %s\n", path, strerror(errno));
		goto out;
	}
	size = fread(data, 1, REPLAY_INPUT, file);
	if (ferror(file) != 0) {
		fprintf(stderr, "%s: cannot be read\n", path);
		goto out;
	}
	LLVMFuzzerTestOneInput(data, size);
	r = 0;
out:
	free(data);
	if (file != NULL) {
		fclose(file);
	}
	return r;
}

static int replay_folder(DIR *folder, const char *path)
{
	char name[REPLAY_PATH];
	struct dirent *entry;
	int count = 0;

	while ((entry = readdir(folder)) != NULL) {
		if (entry->d_name[0] == '.') {
			continue;
		}
		if (snprintf(name, sizeof name, "%s/%s", path, entry->d_name) >= REPLAY_PATH ||
			replay_file(name) < 0) {
			return -1;
		}
		count++;
	}
	if (count == 0) {
		fprintf(stderr, "%s: no seeds\n", path);
		return -1;
	}
	return 0;
}

int main(int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		DIR *folder = opendir(argv[i]);
		int r = folder != NULL ? replay_folder(folder, argv[i]) : replay_file(argv[i]);

		if (folder != NULL) {
			closedir(folder);
		}
		if (r < 0) {
			return 1;
		}
	}
	return 0;
}
