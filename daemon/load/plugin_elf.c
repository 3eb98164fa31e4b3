/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/load/plugin_elf.h"

#include <link.h>
#include <stdint.h>
#include <string.h>

static bool has(struct pol_str file, uint64_t offset, uint64_t size)
{
	return offset <= file.len && size <= file.len - offset;
}

/* What the file says of itself, if it is an object that dlopen(3) takes; false otherwise. */
static bool read_head(struct pol_str file, ElfW(Ehdr) * out)
{
	if (file.len < sizeof *out || memcmp(file.ptr, ELFMAG, SELFMAG) != 0) {
		return false;
	}
	memcpy(out, file.ptr, sizeof *out);
	return out->e_ident[EI_CLASS] == (sizeof(void *) == 8 ? ELFCLASS64 : ELFCLASS32) &&
	       out->e_phentsize == sizeof(ElfW(Phdr)) &&
	       has(file, out->e_phoff, (uint64_t)out->e_phnum * sizeof(ElfW(Phdr)));
}

static ElfW(Phdr) part_at(struct pol_str file, const ElfW(Ehdr) * head, uint32_t i)
{
	ElfW(Phdr) part;

	memcpy(&part, file.ptr + head->e_phoff + i * sizeof part, sizeof part);
	return part;
}

static bool relocates_code(struct pol_str file, const ElfW(Phdr) * part)
{
	ElfW(Dyn) entry;

	if (!has(file, part->p_offset, part->p_filesz)) {
		return false;
	}
	for (uint64_t at = 0; at + sizeof entry <= part->p_filesz; at += sizeof entry) {
		memcpy(&entry, file.ptr + part->p_offset + at, sizeof entry);
		if (entry.d_tag == DT_NULL) {
			return false;
		}
		if (entry.d_tag == DT_TEXTREL ||
			(entry.d_tag == DT_FLAGS && (entry.d_un.d_val & DF_TEXTREL) != 0)) {
			return true;
		}
	}
	return false;
}

const char *plugin_elf_writes_code(struct pol_str file)
{
	static const char stack[] =
		"it asks for an executable stack: link it with -Wl,-z,noexecstack";
	bool has_stack = false;
	ElfW(Ehdr) head;

	if (!read_head(file, &head)) {
		return NULL;
	}
	for (uint32_t i = 0; i < head.e_phnum; i++) {
		ElfW(Phdr) part = part_at(file, &head, i);

		if (part.p_type == PT_GNU_STACK && (part.p_flags & PF_X) != 0) {
			return stack;
		}
		if (part.p_type == PT_LOAD && (part.p_flags & PF_W) != 0 &&
			(part.p_flags & PF_X) != 0) {
			return "it has memory that is both writable and code: link it with "
			       "-Wl,-z,separate-code";
		}
		if (part.p_type == PT_DYNAMIC && relocates_code(file, &part)) {
			return "it changes its code when it is loaded: compile it with -fPIC";
		}
		has_stack = has_stack || part.p_type == PT_GNU_STACK;
	}
	/* Without that header the loader takes the stack for executable. */
	return has_stack ? NULL : stack;
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
