// SPDX-License-Identifier: Apache-2.0
// The figures of the console with 10,000 keys, for tests/bench/run --console; it prints a line `# figures JSON`.

import test from 'node:test';
import { browse, control, serve, visit } from './console.mjs';
import { first_paint, resident, size } from './figures.mjs';

await control('calls', Array.from({ length: 10_000 }, (_, i) => ['keys.create', { roles: ['get-only'], name: `key ${i}` }]));
const browser = await browse();

test('the figures', async (t) => {
  const { link, origin, pid } = await serve(t);
  const page = await visit(t, browser, link);
  const paint = [];

  await page.getByRole('status').filter({ hasText: '10,000 keys' }).waitFor();
  for (let i = 0; i < Number(process.env.AUTHZ_BENCH_TURNS || 5); i++) {
    await page.goto('about:blank');
    await page.goto(`${origin}/console/`, { waitUntil: 'commit' });
    paint.push(await first_paint(page));
    await page.getByRole('status').filter({ hasText: '10,000 keys' }).waitFor();
  }
  const { now, most } = resident(pid);
  page.problems.splice(0);
  console.log(`# figures ${JSON.stringify({ paint, size: await size(origin) / 1024, memory: now / 1048576, most: most / 1048576 })}`);
});
