/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * frame: messages of the Language Server Protocol's base protocol: header fields, an empty line,
 * and as many bytes as Content-Length says.
 */

#include <stdbool.h>
#include <stddef.h>

#include "policy/language/parse.h"

/* Bytes of a message: a policy file, every character of it escaped as \uXXXX, and what stands
 * around it. */
#define LSP_FRAME_MAX (6 * POL_FILE_MAX + (size_t)64 * 1024)

/* Bytes of a header line; those of the protocol have at most 60. */
#define LSP_HEADER_MAX 256

/* Reads a descriptor. Before its first use all is zero except fd. */
struct lsp_reader {
	int fd;
	size_t begin, end; /* what was read and not taken */
	char bytes[16384];
	char *body; /* the last message, NUL-terminated; freed by lsp_frame_finish */
	size_t length;
};

enum lsp_frame {
	LSP_FRAME_MESSAGE, /* body, length */
	LSP_FRAME_END,     /* the other side is gone, or reading failed */
	LSP_FRAME_LARGE,   /* larger than LSP_FRAME_MAX, and skipped */
	LSP_FRAME_HEADER,  /* a header without a valid Content-Length, and skipped */
	LSP_FRAME_MEMORY   /* no memory for it, and skipped */
};

enum lsp_frame lsp_frame_read(struct lsp_reader *reader);
/* Was something read that is not taken yet? */
bool lsp_frame_buffered(const struct lsp_reader *reader);
void lsp_frame_finish(struct lsp_reader *reader);
