// SPDX-License-Identifier: Apache-2.0
// What does not depend on how fast the machine is: the bytes of the page, and the memory of the program that serves it.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import test from 'node:test';
import { browse, control, serve, visit } from './console.mjs';
import { BUNDLE, MEMORY, resident, size } from './figures.mjs';

await control('calls', Array.from({ length: 10_000 }, (_, i) => ['keys.create', { roles: ['get-only'], name: `key ${i}` }]));
const browser = await browse();

test('the page has less than 150 KiB', async (t) => {
  const { origin } = await serve(t);

  assert(await size(origin) < BUNDLE, `${await size(origin)} bytes`);
});

test('the program takes less than 20 MiB, also when it has passed on ten thousand keys', async (t) => {
  const { link, pid } = await serve(t);
  // A sanitizer has memory of its own.
  if (/__asan_init|__tsan_init/.test(readFileSync(`/proc/${pid}/exe`, 'latin1'))) {
    t.skip('with a sanitizer');
    return;
  }
  const page = await visit(t, browser, link);

  for (let i = 0; i < 3; i++) {
    await page.getByRole('status').filter({ hasText: '10,000 keys' }).waitFor();
    await page.reload();
  }
  await page.getByRole('status').filter({ hasText: '10,000 keys' }).waitFor();
  const { now, most } = resident(pid);
  assert(now < MEMORY, `${now} bytes, ${most} at most`);
});
