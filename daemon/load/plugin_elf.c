/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/load/plugin_elf.h"

#include <link.h>
#include <stdint.h>
#include <string.h>

static bool has(struct pol_str file, uint64_t offset, uint64_t size)
{
	return offset <= file.len && size <= file.len - offset;
}

bool plugin_elf_is_whole(struct pol_str file)
{
	ElfW(Ehdr) head;
	ElfW(Phdr) part;

	if (file.len < SELFMAG || memcmp(file.ptr, ELFMAG, SELFMAG) != 0) {
		return true;
	}
	if (file.len < sizeof head) {
		return false;
	}
	memcpy(&head, file.ptr, sizeof head);
	if (head.e_ident[EI_CLASS] != (sizeof(void *) == 8 ? ELFCLASS64 : ELFCLASS32) ||
		head.e_phentsize != sizeof part) {
		return true;
	}
	if (!has(file, head.e_phoff, (uint64_t)head.e_phnum * sizeof part) ||
		!has(file, head.e_shoff, (uint64_t)head.e_shnum * head.e_shentsize)) {
		return false;
	}
	for (uint32_t i = 0; i < head.e_phnum; i++) {
		memcpy(&part, file.ptr + head.e_phoff + i * sizeof part, sizeof part);
		if (!has(file, part.p_offset, part.p_filesz)) {
			return false;
		}
	}
	return true;
}
