// SPDX-License-Identifier: Apache-2.0
// What holds for every page: nothing that axe-core calls serious, no scrolling to the side, the keyboard reaches all.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import test from 'node:test';
import { browse, go, PAGES, people, serve, settled, visit } from './console.mjs';

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const { ids } = await people();
const EVERY = { ...PAGES, 'one key': `#/keys/${ids.alice}`, 'one principal': '#/people/alice', 'a role of the files': '#/roles/servicing',
  'a role of the store': '#/roles/night-desk', 'a new role': '#/new-role', 'a role that is edited': '#/edit-role/night-desk',
  'an answer': '#/try?id=alice&method=DELETE&path=%2Floans%2F7', tree: '#/policy?show=tree', matrix: '#/policy?show=matrix',
  coverage: '#/policy?show=coverage', files: '#/policy?show=files', 'a file': '#/policy/roles.policy?line=3' };
const SHOTS = process.env.AUTHZ_TEST_SHOTS;

test('the pages, in both themes and at three widths', async (t) => {
  const browser = await browse(t);

  for (const scheme of ['light', 'dark']) {
    const { link } = await serve(t);
    const page = await visit(t, browser, link, { scheme });

    for (const [name, hash] of Object.entries(EVERY)) {
      await go(page, hash);
      await t.test(`${name}, ${scheme}: axe-core finds nothing serious`, async () => {
        await page.evaluate(axe);
        const { violations } = await page.evaluate(() => globalThis.axe.run(document, { resultTypes: ['violations'] }));
        assert.deepEqual(violations.filter(({ impact }) => ['serious', 'critical'].includes(impact))
          .map(({ id, nodes }) => [id, nodes.slice(0, 3).map(({ html }) => html.slice(0, 200))]), []);
      });
      for (const width of scheme === 'light' || SHOTS ? [360, 1280, 2560] : []) {
        await page.setViewportSize({ width, height: 900 });
        await settled(page);
        if (SHOTS) {
          await page.screenshot({ path: `${SHOTS}/${name.replaceAll(' ', '-')}-${scheme}-${width}.png` });
        }
        await t.test(`${name}, ${scheme}, ${width} pixels: nothing lies beside the page`, async () => {
          const [wide, has] = await page.evaluate(() => [document.documentElement.scrollWidth, innerWidth]);
          assert(wide <= has, `${wide} pixels are wider than ${has}`);
        });
      }
      await page.setViewportSize({ width: 1280, height: 900 });
    }
  }
});
