// SPDX-License-Identifier: Apache-2.0
// What the pages show of the policy folder, which authzcheck console reads itself.

import assert from 'node:assert/strict';
import test from 'node:test';
import { browse, go, people, serve, visit } from './console.mjs';

await people();

test('the policy folder', async (t) => {
  const browser = await browse(t);
  const { link } = await serve(t);
  const page = await visit(t, browser, link);

  await t.test('the matrix says what a mark means, with the condition', async () => {
    await go(page, '#/policy?show=matrix&tree=api&search=escrow');
    const cell = page.locator('table.matrix td[title*="context.amount <= principal.escrow_limit"]').first();
    assert.match(await cell.getAttribute('title'), /^servicing: allowed under a condition: context\.amount <= principal\.escrow_limit .*: adjust on api:\/loans\/\{loan\}\/escrow$/);
    assert.match(await cell.innerText(), /\?/);
  });

  await t.test('a role of the files has its source and its tests', async () => {
    await go(page, '#/roles/servicing');
    assert.match(await page.locator('pre.source').innerText(), /\d+ +role servicing "Loan servicing" inherits get-only \{\n.*allow update/);
    await page.getByRole('heading', { name: 'Tests', exact: true }).waitFor();
  });

  await t.test('a file is shown, and the line that is meant', async () => {
    await go(page, '#/policy/roles.policy?line=3');
    assert.match(await page.locator('pre.source .meant').innerText(), /^\s*3/);
    assert.match(await page.locator('pre.source').textContent(), /^ *1 .*\n *2 .*\n *3 .*\n *4 /);
  });

  await t.test('the check says that it compiles, and how many tests passed', async () => {
    await go(page, '#/policy?show=coverage');
    await page.getByText('it compiles').waitFor();
    await page.getByText(/\d+ tests passed, 0 failed/).waitFor();
  });

  await t.test('coverage counts what it lists', async () => {
    await go(page, '#/policy?show=coverage');
    const [covered, total] = (await page.locator('.count').first().innerText()).split(' of ').map(Number);
    const left = await page.locator('progress ~ ul.lines > li').count();
    assert(covered > 0);
    assert.equal(left, total - covered);
  });
});
