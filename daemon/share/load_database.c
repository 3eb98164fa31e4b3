/* SPDX-License-Identifier: Apache-2.0 */
#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "daemon/share/database.h"

/* The object is never unloaded: libpq and OpenSSL keep data of threads. */
int share_database_load(const struct share_database **out, char why[static SHARE_WHY])
{
	void *object = dlopen(SHARE_DATABASE_FILE, RTLD_NOW | RTLD_LOCAL);
	const struct share_database *table;

	if (object == NULL) {
		const char *error = dlerror();

		snprintf(why, SHARE_WHY,
			"`shared` needs " SHARE_DATABASE_FILE " and libpq: install the package "
			"authzd-postgresql (%s)",
			error != NULL ? error : "cannot be loaded");
		return -ENOENT;
	}
	table = dlsym(object, SHARE_DATABASE_SYMBOL);
	if (table == NULL || strcmp(table->version, AUTHZ_VERSION) != 0) {
		snprintf(why, SHARE_WHY,
			SHARE_DATABASE_FILE " is of version %s, and authzd of " AUTHZ_VERSION
					    ": install both packages in the same version",
			table != NULL ? table->version : "none");
		return -EINVAL;
	}
	*out = table;
	return 0;
}
