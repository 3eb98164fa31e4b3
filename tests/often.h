/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * often: how often a test tries what it draws at random.
 *
 * A sanitizer takes about ten times as long for the same steps, and what it looks for is seen by
 * one of them as well as by a thousand. OFTEN(n) is n, or a fifth of it under the address
 * sanitizer.
 */

#ifndef __has_feature /* clang's */
#define __has_feature(name) 0
#endif

#if __has_feature(address_sanitizer) || defined(__SANITIZE_ADDRESS__)
#define OFTEN_SANITIZED 1
#define OFTEN(count)    ((count) / 5)
#else
#define OFTEN_SANITIZED 0
#define OFTEN(count)    (count)
#endif
