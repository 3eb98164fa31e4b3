/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * offline: what `authzd --restore`, `--accept-rollback`, `--accept-clock` and `--verify-store` do
 * with the store instead of serving.
 */

#include <stdbool.h>

struct config;

/* Accepts a store that does not match the audit trail's head, or the present time where the store
 * knows a later one. The trail gets an entry about each. Returns 0, or a negative errno after a
 * message on standard error. */
int restore_accept(const struct config *config, bool rollback, bool clock);

/* Checks each page and record of the store, and prints how many there are. Fails as above, with a
 * line for each record that was altered: -EBADMSG or -EIO when the store is damaged, another errno
 * when it could not be checked. */
int restore_verify(const struct config *config);

/* Replaces the store by the copy in `file` and prints how many records it has. `rollback`: even
 * if the copy does not match the trail's head. `lost`: even if it has keys that need a pepper which
 * the pepper's file does not hold. Fails as above. */
int restore_run(const struct config *config, const char *file, bool rollback, bool lost);
