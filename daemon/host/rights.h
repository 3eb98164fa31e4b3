/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * rights: what a daemon that was started as root gives up.
 */

struct config;

/* Root's work is done: becomes the configured user. Nothing gives rights back from here on, and no
 * core is written. 0, or a negative errno, said on standard error. */
int rights_drop(const struct config *config);
