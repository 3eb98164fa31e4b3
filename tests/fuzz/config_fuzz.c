/* SPDX-License-Identifier: Apache-2.0 */
/*
 * config_fuzz: any bytes as authzd.conf. It is read, or refused with a message for each problem.
 */
#include "daemon/config/config.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static char path[128];
	struct config config;
	char why[CONFIG_WHY] = "";

	fuzz_quiet();
	if (path[0] == '\0') {
		fuzz_folder();
		fuzz_path(path, sizeof path, "authzd.conf");
	}
	fuzz_write(path, data, size);
	config_init(&config);
	if (config_read(&config, path) == 0) {
		fuzz_require(config_defaults(&config, why) == 0 || why[0] != '\0');
	}
	config_finish(&config);
	return 0;
}
