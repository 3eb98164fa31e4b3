/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * plugin_elf: is a shared object whole?
 *
 * The loader maps what the headers promise and believes them: a file that ends before that, as one
 * whose copy is under way or stopped on a full disk, would end the process by SIGBUS. The format is
 * elf(5)'s. Pure, any thread.
 */

#include <stdbool.h>

#include "policy/text/str.h"

/* False: it ends before what its headers speak of. What is no ELF file of this machine at all is
 * true: the loader refuses it and says why. */
bool plugin_elf_is_whole(struct pol_str file);
