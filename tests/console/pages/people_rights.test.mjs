// SPDX-License-Identifier: Apache-2.0
// People and services: the list, one of them, what it holds, and the dialogs.

import assert from 'node:assert/strict';
import test from 'node:test';
import { browse, call, expect_problem, go, is_allowed, people, said, serious, settled, shoot, sign_in } from './console.mjs';

const { tokens } = await people();
const browser = await browse();
const dialog = (page) => page.getByRole('dialog');
const rows = (page) => page.getByRole('grid', { name: 'People and services' }).locator('.tr');
const press = async (page, name) => {
  await dialog(page).getByRole('button', { name, exact: true }).click();
  await dialog(page).waitFor({ state: 'hidden' });
};

test('the list is searched and narrowed', async (t) => {
  const page = await sign_in(t, browser);

  await go(page, '#/people');
  await page.getByRole('link', { name: 'alice' }).waitFor();
  await page.getByLabel('Search people and services').fill('archer');
  await page.getByText(/^1 of \d+ principals$/).waitFor();
  assert.equal(await rows(page).count(), 1);
  await page.getByLabel('Search people and services').fill('');
  await page.getByLabel('Kind', { exact: true }).selectOption('service');
  await page.getByRole('link', { name: 'crm' }).waitFor();
  assert.equal(await page.getByRole('link', { name: 'alice' }).count(), 0);
  await page.getByLabel('Kind', { exact: true }).selectOption('');
  await page.getByLabel('Role', { exact: true }).selectOption('tenant-admin');
  await page.getByText(/^1 of \d+ principals$/).waitFor();
  assert.equal(await rows(page).getByRole('link').first().innerText(), 'bob');
});

test('a person is made, edited, given a role at a place, and may do what the page drew', async (t) => {
  const page = await sign_in(t, browser);

  await go(page, '#/people');
  await page.getByRole('button', { name: 'New person or service' }).click();
  await dialog(page).getByLabel('ID', { exact: true }).fill('carol');
  await dialog(page).getByLabel('Name', { exact: true }).fill('Carol Clark');
  await shoot(page, 'dialog new person');
  assert.deepEqual(await serious(page, 'dialog'), []);
  await press(page, 'Create');
  await page.getByRole('heading', { name: 'Carol Clark' }).waitFor();
  await page.getByText('None: no role here allows anything.').waitFor();

  await page.getByRole('button', { name: 'Edit' }).click();
  await dialog(page).getByLabel('escrow_limit').fill('many');
  await dialog(page).getByRole('button', { name: 'Save' }).click();
  await dialog(page).locator('[aria-invalid="true"]').waitFor();
  expect_problem(page, /400/);
  await dialog(page).getByLabel('escrow_limit').fill('500');
  await press(page, 'Save');
  assert.deepEqual((await call('principals.get', { id: 'carol' })).attributes, { escrow_limit: '500' });
  await page.getByText('500', { exact: true }).waitFor();

  const { secret } = await call('keys.create', { principal: 'carol' });
  assert(!await is_allowed(secret));
  await page.getByRole('button', { name: 'Assign a role' }).click();
  await dialog(page).getByLabel('Role').selectOption('servicing');
  await dialog(page).getByLabel('At', { exact: true }).fill('api:/loans/{loan}');
  await page.keyboard.press('Enter');
  await dialog(page).getByText('put a value in the place of {loan}').waitFor();
  await page.keyboard.press('Backspace');
  await dialog(page).getByLabel('At', { exact: true }).fill('api:/loans/7');
  await page.keyboard.press('Enter');
  await dialog(page).getByLabel('Until').selectOption('2592000');
  await shoot(page, 'dialog assign');
  assert.deepEqual(await serious(page, 'dialog'), []);
  await press(page, 'Assign');
  await page.getByRole('tree', { name: 'What carol may do' }).waitFor();
  await settled(page);
  assert(await is_allowed(secret, 'PUT', '/loans/7'));
  assert(!await is_allowed(secret, 'PUT', '/loans/8'));
  const { items: [given] } = await call('assignments.list', { principal: 'carol' });
  assert.deepEqual([given.role, given.at], ['servicing', ['api:/loans/7']]);
  assert(given.until > Date.now() / 1000 + 29 * 86400);

  await page.getByRole('button', { name: 'Take away servicing' }).click();
  await press(page, 'Take the role away');
  await said(page, 'does not hold servicing any more');
  assert(!await is_allowed(secret));
});

test('a person is switched off and on, and deleted with the keys', async (t) => {
  const page = await sign_in(t, browser);

  await go(page, '#/people');
  // The next press is for the list that was loaded again.
  const press_to = async (on, words) => {
    await page.getByRole('switch', { name: 'alice is on', checked: !on }).click();
    await said(page, words);
    await page.getByRole('switch', { name: 'alice is on', checked: on }).waitFor();
  };
  await press_to(false, 'alice is off');
  assert(!await is_allowed(tokens.alice));
  await press_to(true, 'alice is on');
  assert(await is_allowed(tokens.alice));
  // The same switch on her own page, which says the status once.
  await go(page, '#/people/alice');
  await press_to(false, 'alice is off');
  assert(!await is_allowed(tokens.alice));
  assert.equal(await page.locator('dt').getByText('Status').count(), 0);
  await press_to(true, 'alice is on');
  assert(await is_allowed(tokens.alice));
  await go(page, '#/people/crm');
  await page.getByRole('link', { name: 'production' }).waitFor();
  await page.getByRole('button', { name: 'Delete …' }).click();
  await press(page, 'Delete and revoke the keys');
  await said(page, 'crm is deleted');
  assert(!await is_allowed(tokens.crm));
  await go(page, '#/people/crm');
  await page.getByText('There is no such person or service').waitFor();
  page.allowed.push(/404/);
});

test('every principal and every caller can be given a role', async (t) => {
  const page = await sign_in(t, browser);

  await go(page, '#/people');
  await page.getByRole('button', { name: 'Assign a role' }).first().click();
  await dialog(page).getByRole('heading', { name: 'every principal' }).waitFor();
  await dialog(page).getByLabel('Role').selectOption('loan-searcher');
  await press(page, 'Assign');
  assert.equal((await call('assignments.list', { everyone: true })).items.filter(({ role }) => role === 'loan-searcher').length, 1);
  assert(await is_allowed(tokens.alice, 'POST', '/loans/search'));
});
