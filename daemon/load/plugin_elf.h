/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * plugin_elf: is a shared object complete, and does it keep code and data apart?
 *
 * dlopen(3) trusts the headers and maps what they describe. A file that ends before, such as one
 * that is still being copied, would end the process by SIGBUS. The format is that of elf(5). Pure,
 * any thread.
 */

#include <stdbool.h>

#include "policy/text/str.h"

/* False: it ends before what its headers describe. True also for a file that is not an ELF file of
 * this machine, which dlopen(3) refuses with a reason. */
bool plugin_elf_is_whole(struct pol_str file);

/* Why memory of the process would be writable and executable if dlopen(3) loaded the file, and how
 * to correct it; NULL: it would not, or this is no ELF file of this machine. */
const char *plugin_elf_writes_code(struct pol_str file);
