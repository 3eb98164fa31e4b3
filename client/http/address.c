/* SPDX-License-Identifier: Apache-2.0 */
#include "client/http/address.h"

#include <arpa/inet.h>
#include <string.h>

static const uint8_t mapped[12] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff };

/* An address alone. */
static bool read_plain(struct pol_str text, struct http_address *out)
{
	char copy[HTTP_ADDRESS_TEXT];

	if (text.len == 0 || text.len >= sizeof copy || memchr(text.ptr, '\0', text.len) != NULL) {
		return false;
	}
	memcpy(copy, text.ptr, text.len);
	copy[text.len] = '\0';
	if (inet_pton(AF_INET6, copy, out->bytes) == 1) {
		return true;
	}
	memcpy(out->bytes, mapped, sizeof mapped);
	return inet_pton(AF_INET, copy, out->bytes + sizeof mapped) == 1;
}

static bool is_port(struct pol_str text)
{
	if (text.len == 0 || text.len > 5) {
		return false;
	}
	for (size_t i = 0; i < text.len; i++) {
		if (text.ptr[i] < '0' || text.ptr[i] > '9') {
			return false;
		}
	}
	return true;
}

bool http_address_read(struct pol_str text, struct http_address *out)
{
	const char *end;
	struct pol_str rest;

	if (read_plain(text, out)) {
		return true;
	}
	if (text.len == 0) {
		return false;
	}
	if (text.ptr[0] == '[') {
		end = memchr(text.ptr, ']', text.len);
		if (end == NULL) {
			return false;
		}
		rest = (struct pol_str){ end + 1, text.len - (size_t)(end + 1 - text.ptr) };
		text = (struct pol_str){ text.ptr + 1, (size_t)(end - text.ptr) - 1 };
		/* Brackets are for IPv6. */
		if (memchr(text.ptr, ':', text.len) == NULL) {
			return false;
		}
		if (rest.len == 0) {
			return read_plain(text, out);
		}
		return rest.ptr[0] == ':' &&
		       is_port((struct pol_str){ rest.ptr + 1, rest.len - 1 }) &&
		       read_plain(text, out);
	}
	end = memchr(text.ptr, ':', text.len);
	if (end == NULL) {
		return false;
	}
	rest = (struct pol_str){ end + 1, text.len - (size_t)(end + 1 - text.ptr) };
	return is_port(rest) &&
	       read_plain((struct pol_str){ text.ptr, (size_t)(end - text.ptr) }, out);
}

void http_address_write(const struct http_address *address, char out[static HTTP_ADDRESS_TEXT])
{
	if (memcmp(address->bytes, mapped, sizeof mapped) == 0) {
		inet_ntop(AF_INET, address->bytes + sizeof mapped, out, HTTP_ADDRESS_TEXT);
	} else {
		inet_ntop(AF_INET6, address->bytes, out, HTTP_ADDRESS_TEXT);
	}
}

/* Are all bits of the address from this one on zero? */
static bool is_zero_from(const struct http_address *address, unsigned bit)
{
	for (; bit < 128; bit++) {
		if ((address->bytes[bit / 8] & (0x80 >> bit % 8)) != 0) {
			return false;
		}
	}
	return true;
}

bool http_network_read(struct pol_str text, struct http_network *out)
{
	const char *slash = text.len > 0 ? memchr(text.ptr, '/', text.len) : NULL;
	struct pol_str bits = { NULL, 0 };
	bool is_ip4;
	unsigned n = 0, most;

	if (slash != NULL) {
		bits = (struct pol_str){ slash + 1, text.len - (size_t)(slash + 1 - text.ptr) };
		text.len = (size_t)(slash - text.ptr);
	}
	if (!read_plain(text, &out->first)) {
		return false;
	}
	is_ip4 = memcmp(out->first.bytes, mapped, sizeof mapped) == 0 &&
		 memchr(text.ptr, ':', text.len) == NULL;
	most = is_ip4 ? 32 : 128;
	if (slash == NULL) {
		out->bits = 128;
		return true;
	}
	if (bits.len == 0 || bits.len > 3) {
		return false;
	}
	for (size_t i = 0; i < bits.len; i++) {
		if (bits.ptr[i] < '0' || bits.ptr[i] > '9') {
			return false;
		}
		n = n * 10 + (unsigned)(bits.ptr[i] - '0');
	}
	out->bits = n + 128 - most;
	return n <= most && is_zero_from(&out->first, out->bits);
}

bool http_network_has(const struct http_network *network, const struct http_address *address)
{
	unsigned whole = network->bits / 8, left = network->bits % 8;
	uint8_t mask = (uint8_t)(0xff00 >> left);

	return memcmp(network->first.bytes, address->bytes, whole) == 0 &&
	       (left == 0 || ((network->first.bytes[whole] ^ address->bytes[whole]) & mask) == 0);
}
