/* SPDX-License-Identifier: Apache-2.0 */
/*
 * elf_fuzz: any bytes as a shared object. A file that is called whole has all bytes that its
 * program headers map, as elf(5) has them.
 */
#include <elf.h>

#include "daemon/load/plugin_elf.h"
#include "tests/fuzz/fuzz.h"

static void check_segments(const uint8_t *data, size_t size)
{
	Elf64_Ehdr head;

	if (size < sizeof head) {
		return;
	}
	memcpy(&head, data, sizeof head);
	if (memcmp(head.e_ident, ELFMAG, SELFMAG) != 0 || head.e_ident[EI_CLASS] != ELFCLASS64 ||
		head.e_ident[EI_DATA] != ELFDATA2LSB || head.e_phentsize != sizeof(Elf64_Phdr)) {
		return;
	}
	for (unsigned i = 0; i < head.e_phnum; i++) {
		__uint128_t at = (__uint128_t)head.e_phoff + (__uint128_t)i * sizeof(Elf64_Phdr);
		Elf64_Phdr segment;

		fuzz_require(at + sizeof segment <= size);
		memcpy(&segment, data + (size_t)at, sizeof segment);
		fuzz_require(segment.p_type != PT_LOAD ||
			     (__uint128_t)segment.p_offset + segment.p_filesz <= size);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *copy = fuzz_copy(data, size);

	if (plugin_elf_is_whole((struct pol_str){ copy, size })) {
		check_segments(data, size);
	}
	free(copy);
	return 0;
}
