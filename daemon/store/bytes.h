/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * bytes: little-endian integers at any alignment, as records have them.
 */

#include <stdint.h>

static inline void store_put16(uint8_t *at, uint64_t value)
{
	at[0] = (uint8_t)value;
	at[1] = (uint8_t)(value >> 8);
}

static inline void store_put32(uint8_t *at, uint64_t value)
{
	store_put16(at, value);
	store_put16(at + 2, value >> 16);
}

static inline void store_put64(uint8_t *at, uint64_t value)
{
	store_put32(at, value);
	store_put32(at + 4, value >> 32);
}

static inline uint32_t store_get16(const uint8_t *at)
{
	return (uint32_t)at[0] | (uint32_t)at[1] << 8;
}

static inline uint32_t store_get32(const uint8_t *at)
{
	return store_get16(at) | store_get16(at + 2) << 16;
}

static inline uint64_t store_get64(const uint8_t *at)
{
	return store_get32(at) | (uint64_t)store_get32(at + 4) << 32;
}

static inline int64_t store_get_time(const uint8_t *at)
{
	return (int64_t)store_get64(at);
}
