// SPDX-License-Identifier: Apache-2.0
// People and services in the browser: the list, one of them, and each dialog, and what the daemon has afterwards.

import assert from 'node:assert/strict';
import test from 'node:test';
import { browse, go, json, people, serve, settled, tool, visit } from './console.mjs';

const { ids } = await people();
const XSS = '<img src=x onerror=alert(1)>';
await tool('principal', 'create', 'zed', '--name', XSS);

const dialog = (page) => page.getByRole('dialog');
const field = (page, name) => dialog(page).getByLabel(name, { exact: true });
const button = (page, name) => page.getByRole('button', { name, exact: true });

async function show(id) {
  return json('principal', 'show', id);
}

// A form of the dialog is sent, and the dialog closes.
async function send(page, name) {
  await button(dialog(page), name).click();
  await dialog(page).waitFor({ state: 'hidden' });
  await settled(page);
}

test('people and services', async (t) => {
  const browser = await browse(t);
  const { link } = await serve(t);
  const page = await visit(t, browser, link);
  const row = (name) => page.getByRole('row').filter({ hasText: name });

  await t.test('the list has what each holds, and a name is text', async () => {
    await go(page, '#/people');
    await row('alice').getByText('collections').waitFor();
    await row('alice').getByText('servicing').waitFor();
    assert.equal(await row('zed').getByText(XSS).count(), 1);
    assert.equal(await page.locator('main img').count(), 0);
  });

  await t.test('search and filters leave those that fit, and the address has them', async () => {
    await page.getByLabel('Search people and services').fill('archer');
    await page.getByText('1 of 4 principals').waitFor();
    await page.getByLabel('Search people and services').fill('');
    await page.getByLabel('Kind').selectOption('service');
    await page.getByText('1 of 4 principals').waitFor();
    await page.getByLabel('Kind').selectOption('');
    await page.getByLabel('Role', { exact: true }).selectOption('tenant-admin');
    await page.getByText('1 of 4 principals').waitFor();
    assert.match(page.url(), /role=tenant-admin/);
    await page.getByLabel('Role', { exact: true }).selectOption('');
    await page.getByLabel('Search people and services').fill(`lp_live_1abcdefghijK_${'S'.repeat(38)}`);
    await page.getByText('0 of 4 principals').waitFor();
    assert.match(page.url(), /search=lp_live_1abcdefghijK$/, 'a token that is looked for is cut before its secret');
    await page.getByLabel('Search people and services').fill('');
  });

  await t.test('the switch switches off and on', async () => {
    await page.getByRole('switch', { name: 'crm is on' }).click();
    await row('crm').getByText('off', { exact: true }).waitFor();
    assert.equal((await show('crm')).status, 'inactive');
    await page.getByRole('switch', { name: 'crm is on' }).click();
    await row('crm').getByText('on', { exact: true }).waitFor();
    assert.equal((await show('crm')).status, 'active');
  });

  await t.test('a dialog that opens while another one ends stays', async () => {
    await button(page, 'New person or service').click();
    // The event of the end comes when the dialog is open again.
    await page.evaluate(() => new Promise((resolve) => {
      const box = document.querySelector('dialog');
      box.addEventListener('close', () => requestAnimationFrame(() => requestAnimationFrame(resolve)), { once: true });
      box.close();
      box.showModal();
    }));
    assert(await button(dialog(page), 'Create').isVisible());
    await button(dialog(page), 'Cancel').click();
    assert.equal(await dialog(page).count(), 0);
  });

  await t.test('what is wrong is said at its field, and the dialog stays', async () => {
    await button(page, 'New person or service').click();
    await field(page, 'ID').fill('ann lee');
    await field(page, 'escrow_limit').fill('lots');
    await button(dialog(page), 'Create').click();
    await dialog(page).getByLabel('ID', { exact: true }).and(page.locator('[aria-invalid="true"]')).waitFor();
    await field(page, 'ID').fill('ann');
    await button(dialog(page), 'Create').click();
    await dialog(page).getByLabel('escrow_limit').and(page.locator('[aria-invalid="true"]')).waitFor();
    page.problems.splice(0);
    await field(page, 'escrow_limit').fill('500');
    await send(page, 'Create');
    const made = await show('ann');
    assert.deepEqual([made.kind, made.attributes], ['user', { escrow_limit: '500' }]);
  });

  await t.test('a role is assigned at a place until a time, and taken away', async () => {
    await go(page, '#/people/ann');
    await button(page, 'Assign a role').click();
    await field(page, 'Role').selectOption('servicing');
    await field(page, 'At').fill('api:/loans/{loan}');
    await field(page, 'At').press('Enter');
    await dialog(page).getByText('put a value in the place of {loan}').waitFor();
    assert.equal(await button(dialog(page), 'Assign').isDisabled(), true);
    await button(dialog(page), 'Remove api:/loans/{loan}').click();
    await field(page, 'At').fill('api:/loans/7');
    await field(page, 'At').press('Enter');
    await field(page, 'Until').selectOption('2592000');
    await send(page, 'Assign');
    const { items: [held] } = await json('assignment', 'list', '--principal', 'ann');
    assert.deepEqual([held.role, held.at], ['servicing', ['api:/loans/7']]);
    assert.ok(Date.parse(held.until) > Date.now() + 86400000 * 29);
    await page.getByRole('treeitem').filter({ hasText: '/escrow' }).getByText(/^when /).waitFor();
    await button(page, 'Take away servicing').click();
    await send(page, 'Take the role away');
    await page.locator('.card').filter({ has: page.getByRole('heading', { name: 'Roles', exact: true }) }).getByText('None.').waitFor();
  });

  await t.test('edit changes what was changed alone', async () => {
    await button(page, 'Edit …').click();
    await field(page, 'Name').fill('Ann Lee');
    await send(page, 'Save');
    const changed = await show('ann');
    assert.deepEqual([changed.name, changed.attributes], ['Ann Lee', { escrow_limit: '500' }]);
    await page.getByRole('heading', { level: 1, name: 'Ann Lee' }).waitFor();
  });

  await t.test('an attribute that is changed leaves those that somebody else sets meanwhile', async () => {
    await button(page, 'Edit …').click();
    await field(page, 'escrow_limit').fill('700');
    await json('principal', 'edit', 'ann', '--attribute', 'desk=7');
    await send(page, 'Save');
    assert.deepEqual((await show('ann')).attributes, { desk: '7', escrow_limit: '700' });
    await button(page, 'Edit …').click();
    await field(page, 'desk').fill('');
    await send(page, 'Save');
    assert.deepEqual((await show('ann')).attributes, { escrow_limit: '700' });
    await json('principal', 'edit', 'ann', '--attribute', 'escrow_limit=500');
  });

  await t.test('a principal\'s page has its keys, and makes one', async () => {
    await go(page, '#/people/alice');
    await page.getByRole('link', { name: 'laptop' }).waitFor();
    assert.equal(await page.getByRole('link', { name: 'laptop' }).getAttribute('href'), `#/keys/${ids.alice}`);
    await button(page, 'New key').click();
    await dialog(page).getByRole('heading', { level: 2 }).waitFor();
    await page.keyboard.press('Escape');
  });

  await t.test('deleting says that keys are revoked', async () => {
    await go(page, '#/people/ann');
    await button(page, 'Delete …').click();
    await dialog(page).getByText('All keys of ann are revoked').waitFor();
    await send(page, 'Delete and revoke the keys');
    await page.waitForURL(/#\/people$/);
    await assert.rejects(show('ann'));
  });

  await t.test('every principal and every caller hold roles of their own', async () => {
    const every = page.locator('.card', { hasText: 'Every principal holds' });

    await button(every, 'Assign a role').click();
    await field(page, 'Role').selectOption('get-only');
    await send(page, 'Assign');
    await every.getByRole('link', { name: 'get-only' }).waitFor();
    await button(page.locator('.card', { hasText: 'Every caller holds' }), 'Assign a role').click();
    await field(page, 'Role').selectOption('loan-searcher');
    assert.equal(await button(dialog(page), 'Assign').isDisabled(), true, 'without a place');
    await page.keyboard.press('Escape');
    await go(page, '#/people/bob');
    await page.getByRole('heading', { name: 'As every principal' }).waitFor();
  });

  await t.test('who is not there is said to be not there', async () => {
    await go(page, '#/people/nobody');
    await page.getByText('There is no such person or service').waitFor();
    page.problems.splice(0);
  });
});
