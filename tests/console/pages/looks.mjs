// SPDX-License-Identifier: Apache-2.0
// What holds for every page in one theme: nothing that axe-core calls serious, and nothing beside the page.

import assert from 'node:assert/strict';
import test from 'node:test';
import { browse, go, PAGES, people, serious, settled, shoot, sign_in } from './console.mjs';

const WIDTHS = [360, 1280, 2560];

export async function look(scheme) {
  const { ids } = await people();
  const pages = { ...PAGES, 'one key': `#/keys/${ids.alice}`, 'one principal': '#/people/alice', 'a role of the files': '#/roles/servicing',
    'a role of the store': '#/roles/night-desk', 'a new role': '#/new-role', 'a role that is edited': '#/edit-role/night-desk',
    'an answer': '#/try?id=alice&method=DELETE&path=%2Floans%2F7', tree: '#/policy?show=tree', matrix: '#/policy?show=matrix',
    coverage: '#/policy?show=coverage', files: '#/policy?show=files', 'a file': '#/policy/roles.policy?line=3' };
  const browser = await browse();

  test(`the pages, ${scheme}`, async (t) => {
    const page = await sign_in(t, browser, { scheme });

    assert.deepEqual(await serious(page, 'nav'), []);
    for (const [name, hash] of Object.entries(pages)) {
      await t.test(name, async () => {
        await go(page, hash);
        assert.deepEqual(await serious(page, 'main'), []);
        assert.equal(await page.locator('th:not([scope])').count(), 0, 'each heading of a table says what it is of');
        for (const width of WIDTHS) {
          await page.setViewportSize({ width, height: 900 });
          await settled(page);
          await shoot(page, `${name} ${scheme} ${width}`);
          const [wide, has] = await page.evaluate(() => [document.documentElement.scrollWidth, innerWidth]);
          assert(wide <= has, `at ${width} pixels something reaches to ${wide}`);
        }
        await page.setViewportSize({ width: 1280, height: 900 });
      });
    }
  });
}
