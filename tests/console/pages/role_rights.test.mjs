// SPDX-License-Identifier: Apache-2.0
// Roles: those of the files, and the editor of those of the store, whose effect is what happens.

import assert from 'node:assert/strict';
import test from 'node:test';
import { browse, call, go, is_allowed, people, said, serious, settled, shoot, sign_in } from './console.mjs';

await people();
await call('principals.create', { id: 'nina' });
await call('assignments.create', { principal: 'nina', role: 'night-desk' });
const { secret } = await call('keys.create', { principal: 'nina' });
const browser = await browse();
const main = (page) => page.getByRole('main');
const step = (page, name) => page.getByRole('list', { name: 'Steps' }).getByRole('button', { name });
const node = (page, resource) => page.getByRole('treeitem').filter({ has: page.locator(`.name[title="${resource}"]`) });

test('a role of the files is shown with its source and tests, and cannot be edited', async (t) => {
  const page = await sign_in(t, browser);

  await go(page, '#/roles/servicing');
  await main(page).getByText('deny update on api:/loans/{loan} when resource.status is archived').first().waitFor();
  await main(page).getByText('escrow is adjusted up to a limit').waitFor();
  await main(page).getByRole('group', { name: 'The text of servicing' }).waitFor();
  assert.equal(await main(page).getByRole('link', { name: 'Edit …', exact: true }).count(), 0);
  await main(page).getByRole('heading', { name: 'Held by' }).waitFor();
  assert(await main(page).getByRole('link', { name: 'alice' }).count() > 0);
  await go(page, '#/edit-role/servicing');
  await page.getByText('The policy’s files declare this role').waitFor();
});

test('a role is made in steps: boxes for subtrees, chips for methods, a denial, and what it comes to', async (t) => {
  const page = await sign_in(t, browser);

  await go(page, '#/roles');
  await page.getByRole('link', { name: 'New role' }).click();
  await page.getByRole('heading', { name: 'New role' }).waitFor();
  await page.getByLabel('Name', { exact: true }).fill('day-desk');
  await page.getByRole('textbox', { name: 'Description' }).fill('Works by day');
  await step(page, /ui/).waitFor();
  await shoot(page, 'role editor about');
  await step(page, /api/).click();
  const tree = page.getByRole('tree');
  await page.getByRole('button', { name: 'Expand all' }).click();
  await page.getByRole('searchbox').fill('escrow');
  await node(page, 'api:/loans/{loan}/escrow').waitFor();
  assert.equal(await node(page, 'api:/customers').count(), 0);
  await page.getByRole('searchbox').fill('');
  // A box takes all below it; a part of it makes the box above a mixed one.
  await node(page, 'api:/loans/{loan}').first().locator('.tri').first().click();
  assert.equal(await node(page, 'api:/loans/{loan}').first().getAttribute('aria-checked'), 'true');
  assert.equal(await node(page, 'api:/loans/{loan}/notes').getAttribute('aria-checked'), 'true');
  assert.equal(await node(page, 'api:/loans').first().getAttribute('aria-checked'), 'mixed');
  assert.equal(await node(page, 'api:/customers').first().getAttribute('aria-checked'), 'false');
  await page.getByRole('radio', { name: /Deny/ }).click();
  await node(page, 'api:/loans/{loan}').first().getByRole('button', { name: /^delete/ }).click();
  await shoot(page, 'role editor tree');
  assert.deepEqual(await serious(page, 'main'), []);
  await step(page, 'Review and save').click();
  await main(page).getByText(/gains \d+/).waitFor();
  await shoot(page, 'role editor review');
  assert.deepEqual(await serious(page, 'main'), []);
  await main(page).getByRole('button', { name: 'Create the role' }).click();
  await said(page, 'The role day-desk is created');
  await page.getByRole('heading', { name: 'day-desk' }).waitFor();
  const { secret: token } = await call('keys.create', { roles: ['day-desk'] });
  assert.deepEqual([await is_allowed(token, 'PUT', '/loans/7'), await is_allowed(token, 'POST', '/loans/7/notes'), await is_allowed(token, 'DELETE', '/loans/7'), await is_allowed(token, 'GET', '/customers')],
    [true, true, false, false]);
  assert.equal(await tree.count() > 0, true);
});

test('the effect of a change is said before it is saved, for whom, and is what happens', async (t) => {
  const page = await sign_in(t, browser);

  assert(await is_allowed(secret, 'GET', '/customers'));
  await go(page, '#/edit-role/night-desk');
  await page.getByRole('textbox', { name: 'Description' }).fill('Reads loans at night, and writes notes');
  await step(page, /api/).click();
  await page.getByRole('button', { name: 'Expand all' }).click();
  await node(page, 'api:/customers').first().locator('.tri').first().click();
  if (await node(page, 'api:/customers').first().getAttribute('aria-checked') === 'true') {
    await node(page, 'api:/customers').first().locator('.tri').first().click();
  }
  await node(page, 'api:/loans/{loan}/notes').getByRole('button', { name: /^create/ }).click();
  await step(page, 'Review and save').click();
  const sum = await main(page).getByText(/gains \d+/).first().innerText();
  await main(page).getByText('nina').or(main(page).getByText('1 principal')).first().waitFor();
  const [, gains] = /gains (\d+)/.exec(sum);
  assert.equal(gains, '1');
  assert(await is_allowed(secret, 'GET', '/customers') && !await is_allowed(secret, 'POST', '/loans/7/notes'), 'nothing is changed yet');
  await shoot(page, 'role editor effect');
  await main(page).getByRole('button', { name: 'Save the change' }).click();
  await said(page, 'is changed');
  assert(!await is_allowed(secret, 'GET', '/customers'));
  assert(await is_allowed(secret, 'POST', '/loans/7/notes'));
  assert(await is_allowed(secret, 'GET', '/loans/7'));
});

test('a line with a condition is kept and edited as text, and what the daemon refuses is marked at it', async (t) => {
  const page = await sign_in(t, browser);

  await go(page, '#/new-role');
  await page.getByLabel('Name', { exact: true }).fill('careful');
  await step(page, /api/).click();
  await page.getByRole('button', { name: 'Add a line' }).click();
  await page.getByLabel('A line of grants').fill('allow adjust on api:/loans/{loan}/escrow when nothing.known is 5');
  await step(page, 'Review and save').click();
  await main(page).getByRole('alert').first().waitFor();
  assert(await main(page).getByRole('button', { name: 'Create the role' }).isDisabled());
  await step(page, /api/).click();
  await page.getByLabel('A line of grants').fill('allow adjust on api:/loans/{loan}/escrow when context.amount <= 5');
  await step(page, 'Review and save').click();
  await main(page).getByRole('button', { name: 'Create the role' }).click();
  await said(page, 'careful is created');
  assert.match((await call('roles.get', { name: 'careful' })).grants[0], /when context.amount <= 5/);
  page.allowed.push(/400|422/);
});

test('a role is deleted, and its holders lose it', async (t) => {
  const page = await sign_in(t, browser);

  await go(page, '#/roles/night-desk');
  await page.getByRole('button', { name: 'Delete …' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Delete', exact: true }).click();
  await said(page, 'is deleted');
  await settled(page);
  assert(!await is_allowed(secret));
});
