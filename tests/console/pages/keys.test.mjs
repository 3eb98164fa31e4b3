// SPDX-License-Identifier: Apache-2.0
// The list of keys: ten thousand of them, searched, filtered, sorted, and changed many at a time.

import assert from 'node:assert/strict';
import test from 'node:test';
import { browse, call, control, expect_problem, go, is_allowed, people, said, serious, settled, shoot, sign_in, until } from './console.mjs';

const MANY = 10_000;

const { ids, tokens } = await people();
const rest = MANY - Object.keys(ids).length;
await control('calls', Array.from({ length: rest }, (_, i) => ['keys.create', { roles: ['get-only'], name: `fleet-${String(i).padStart(5, '0')}`, label: i % 100 === 0 ? 'rare' : 'fleet' }]));
const browser = await browse();
const grid = (page) => page.getByRole('grid', { name: 'Keys' });
const key_links = (row) => row.locator('a[href^="#/keys/"]');
const rows = (page) => grid(page).locator('.tr');
const status = (page, text) => page.getByRole('status').filter({ hasText: text }).waitFor();

test('ten thousand keys scroll, and only the rows in sight are in the document', async (t) => {
  const page = await sign_in(t, browser);

  await status(page, '10,000 keys');
  assert.equal(await grid(page).getAttribute('aria-rowcount'), String(MANY + 1));
  assert(await rows(page).count() < 60);
  for (const part of [0.25, 0.5, 0.75, 1]) {
    await grid(page).evaluate((box, to) => { box.scrollTop = box.scrollHeight * to; }, part);
    const at = Math.floor((MANY - 20) * part);
    await until(async () => Math.abs(Number(await rows(page).first().getAttribute('aria-rowindex')) - at) < 100, `rows at ${part}`);
    assert(await rows(page).count() < 60);
  }
  await page.getByRole('link', { name: 'reader' }).waitFor();
  await shoot(page, 'ten thousand keys');
  assert.deepEqual(await serious(page, 'main'), []);
});

test('a search, filters and an order narrow the list, and the address keeps them', async (t) => {
  const page = await sign_in(t, browser);

  await status(page, '10,000 keys');
  await page.keyboard.press('/');
  await page.keyboard.type('fleet-0012');
  await status(page, '10 of 10,000 keys');
  assert.deepEqual(await key_links(rows(page)).allInnerTexts(), Array.from({ length: 10 }, (_, i) => `fleet-0012${i}`));
  await grid(page).getByRole('button', { name: 'Key' }).click();
  await until(async () => await key_links(rows(page).first()).innerText() === 'fleet-00129', 'the other order');
  assert.match(page.url(), /search=fleet-0012/);
  await page.reload();
  await until(async () => await rows(page).count() === 10 && await key_links(rows(page).first()).innerText() === 'fleet-00129', 'the same after a reload');
  await page.getByRole('button', { name: 'Show all' }).click();
  await status(page, '10,000 keys');
  await page.getByLabel('Label', { exact: true }).selectOption('rare');
  await status(page, '100 of 10,000 keys');
  await page.getByLabel('Search keys').fill('nothing is like this');
  await page.getByText('No key is found.').waitFor();
  await page.getByRole('button', { name: 'Show all' }).click();
  await page.getByLabel('Holder', { exact: true }).selectOption('alice');
  await status(page, '1 of 10,000 keys');
  await page.getByRole('link', { name: 'laptop' }).waitFor();
  await page.getByLabel('Holder', { exact: true }).selectOption('role get-only');
  await status(page, /^9,99\d of 10,000 keys/);
});

test('many are selected with the keyboard, and switched off and on, deleted and restored together', async (t) => {
  const page = await sign_in(t, browser);
  const bulk = async (word, said_then) => {
    await page.getByRole('button', { name: `${word} …` }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByRole('button', { name: new RegExp(`^${word} \\d`) }).click();
    await dialog.getByText(said_then).waitFor();
    assert.deepEqual(await serious(page, 'dialog'), []);
    await dialog.getByRole('button', { name: 'Close' }).last().click();
    await dialog.waitFor({ state: 'hidden' });
  };

  await go(page, '#/keys?search=fleet-00');
  await page.getByLabel('Label', { exact: true }).selectOption('rare');
  await status(page, '10 of 10,000 keys');
  await rows(page).first().focus();
  for (let i = 0; i < 3; i++) {
    await page.keyboard.press('Shift+ArrowDown');
  }
  await page.getByText('3 selected').waitFor();
  await bulk('Switch off', '3 keys are switched off.');
  const some = async () => (await call('keys.list', { label: 'rare', status: 'inactive', limit: 1000 })).items.map(({ name }) => name).sort();
  assert.deepEqual(await some(), ['fleet-00000', 'fleet-00100', 'fleet-00200']);
  await page.getByRole('checkbox', { name: 'Select all that are listed' }).check();
  await page.getByText('10 selected').waitFor();
  await page.getByRole('button', { name: 'Switch on …' }).click();
  await page.getByRole('dialog').getByText('7 keys left out: it is on already.').waitFor();
  await page.keyboard.press('Escape');
  await bulk('Switch on', '3 keys are switched on.');
  assert.deepEqual(await some(), []);
  await page.getByRole('button', { name: 'Select none' }).click();
  await page.getByLabel('Label', { exact: true }).selectOption('');
  await page.getByLabel('Search keys').fill('fleet-0999');
  await status(page, '6 of 10,000 keys');
  await page.getByRole('checkbox', { name: 'Select all that are listed' }).check();
  await bulk('Delete', '6 keys are deleted.');
  await page.getByLabel('Status').selectOption('deleted');
  await status(page, '6 keys');
  await page.getByRole('checkbox', { name: 'Select all that are listed' }).check();
  await bulk('Restore', '6 keys are restored.');
  assert.equal((await call('keys.list', { status: 'deleted' })).items.length, 0);
});

test('times that are months away are whole in the list', async (t) => {
  const page = await sign_in(t, browser);

  await control('calls', [['keys.create', { roles: ['get-only'], name: 'far-away', rotate_every: 340 * 86400, expires_in: 340 * 86400 }]]);
  await go(page, '#/keys?search=far-away');
  const row = rows(page).filter({ hasText: 'far-away' });
  await row.getByText('in 11 months').first().waitFor();
  assert.equal(await row.getByText('in 11 months').count(), 2, 'when it ends, and when it is rotated');
  const cut = await grid(page).evaluate((box) => [...box.querySelectorAll('.tr > div')].filter((cell) => cell.querySelector('time') && cell.scrollWidth > cell.clientWidth).map((cell) => cell.innerText));
  assert.deepEqual(cut, []);
  await shoot(page, 'times in the list of keys');
});

test('the name of a role that holds a key is there, cut at its end if it is long', async (t) => {
  const page = await sign_in(t, browser);

  await call('roles.create', { name: 'a-role-with-a-name-that-is-rather-long', grants: ['allow list on api:/loans'] });
  await call('keys.create', { roles: ['a-role-with-a-name-that-is-rather-long'], name: 'long-holder' });
  await go(page, '#/keys?search=long-holder');
  const chip = rows(page).first().locator('.chip');
  await chip.waitFor();
  const { cell, name } = await chip.evaluate((one) => {
    const box = (element) => (({ left, right, top, bottom }) => ({ left, right, top, bottom }))(element.getBoundingClientRect());
    return { cell: box(one.closest('[role="gridcell"]')), name: box(one) };
  });
  assert(name.right - name.left > 60, JSON.stringify(name));
  assert(name.left >= cell.left && name.right <= cell.right + 1 && name.top >= cell.top && name.bottom <= cell.bottom, JSON.stringify({ cell, name }));
});

test('a key that is not there has its trail alone', async (t) => {
  const page = await sign_in(t, browser);

  await go(page, '#/keys/00000000000a');
  await page.getByText('There is no such key').waitFor();
  await page.getByRole('heading', { name: 'Trail' }).waitFor();
  expect_problem(page, /404/);
});

test('a switch that is pressed twice at once sends one request', async (t) => {
  const page = await sign_in(t, browser);
  const turn = page.getByRole('switch', { name: 'Key laptop is on' });
  const sent = [];
  let let_go;
  const gate = new Promise((resolve) => { let_go = resolve; });

  await page.route('**/call', async (route) => {
    const { method } = route.request().postDataJSON();
    if (/^keys\.(dis|en)able$/.test(method)) {
      sent.push(method);
      await gate;
    }
    await route.continue();
  });
  await go(page, '#/keys?holder=alice');
  await turn.evaluate((button) => { button.click(); button.click(); });
  await turn.evaluate((button) => button.click());
  let_go();
  await said(page, 'is off');
  await until(async () => await turn.getAttribute('aria-checked') === 'false', 'the switch is off');
  assert.deepEqual(sent, ['keys.disable']);
  await turn.click();
  await said(page, 'laptop is on');
  assert.deepEqual(sent, ['keys.disable', 'keys.enable']);
  await settled(page);
});

test('the switch of a row turns a key off and on at once', async (t) => {
  const page = await sign_in(t, browser);
  const turn = page.getByRole('switch', { name: 'Key laptop is on' });

  await go(page, '#/keys?holder=alice');
  assert.equal(await turn.getAttribute('aria-checked'), 'true');
  assert(await is_allowed(tokens.alice));
  await turn.click();
  await said(page, 'is off');
  await until(async () => await turn.getAttribute('aria-checked') === 'false' && await turn.isEnabled(), 'the switch is off');
  assert(!await is_allowed(tokens.alice));
  await page.getByLabel('Status', { exact: true }).selectOption({ label: 'off' });
  await page.waitForURL(/status=inactive/);
  await turn.waitFor();
  await page.getByLabel('Status', { exact: true }).selectOption('');
  await turn.press('Space');
  await said(page, 'laptop is on');
  assert(await is_allowed(tokens.alice));
  await settled(page);
});
