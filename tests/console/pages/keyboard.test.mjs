// SPDX-License-Identifier: Apache-2.0
// Without a mouse: everything is reached and done with the keys.

import assert from 'node:assert/strict';
import test from 'node:test';
import { browse, call, go, is_allowed, people, said, settled, sign_in, until } from './console.mjs';

await people();
const browser = await browse();
const focused = (page) => page.evaluate(() => {
  const { activeElement: one } = document;
  return `${one.getAttribute('role') ?? one.tagName.toLowerCase()} ${one.getAttribute('aria-label') ?? one.innerText ?? ''}`.trim();
});

// Presses Tab until what has the focus is like this.
async function tab_to(page, like) {
  const seen = [];
  for (let i = 0; i < 60; i++) {
    await page.keyboard.press('Tab');
    seen.push(await focused(page));
    if (like.test(seen.at(-1))) {
      return;
    }
  }
  assert.fail(`Tab does not come to ${like}: ${seen.join(' | ')}`);
}

test('Tab goes past the pages to the page, and over all of it in an order', async (t) => {
  const page = await sign_in(t, browser);

  await page.getByRole('link', { name: 'laptop' }).waitFor();
  await page.keyboard.press('Tab');
  assert.equal(await focused(page), 'a To the page');
  await page.keyboard.press('Enter');
  assert.equal(await page.evaluate(() => document.activeElement.id), 'main');
  await tab_to(page, /^button New key$/);
  await tab_to(page, /^input Search keys$/);
  await tab_to(page, /^row/);
  // The focus is seen.
  assert.notEqual(await page.evaluate(() => getComputedStyle(document.activeElement).outlineStyle), 'none');
  await page.keyboard.press('Shift+Tab');
  await page.keyboard.press('/');
  assert.equal(await focused(page), 'input Search keys');
  await page.keyboard.type('admin');
  await page.getByText('1 of 4 keys').waitFor();
  await page.keyboard.press('Escape');
  assert.notEqual(await focused(page), 'input Search keys');
});

test('arrows move in the list, Space selects, Enter opens, and the title has the focus then', async (t) => {
  const page = await sign_in(t, browser);

  await page.getByRole('link', { name: 'laptop' }).waitFor();
  await tab_to(page, /^row/);
  const row = () => page.evaluate(() => document.activeElement.dataset.row);
  for (const [key, at] of [['ArrowDown', '1'], ['End', '3'], ['ArrowUp', '2'], ['Home', '0'], ['ArrowUp', '0'], ['PageDown', '3'], ['PageUp', '0']]) {
    await page.keyboard.press(key);
    await until(async () => await row() === at, `${key} goes to row ${at}`);
  }
  await page.keyboard.press('Space');
  await page.getByText('1 selected').waitFor();
  await page.keyboard.press('Space');
  await page.getByText('4 keys').waitFor();
  await page.keyboard.press('Enter');
  await page.getByRole('link', { name: '← Keys' }).waitFor();
  await until(async () => /^h1/.test(await focused(page)), 'the title');
});

test('a key is made, and switched off, with the keys alone', async (t) => {
  const page = await sign_in(t, browser);

  await page.getByRole('link', { name: 'laptop' }).waitFor();
  await tab_to(page, /^button New key$/);
  await page.keyboard.press('Enter');
  const dialog = page.getByRole('dialog');
  await dialog.waitFor();
  await until(() => page.evaluate(() => document.activeElement.closest('dialog') !== null), 'the focus in the dialog');
  // Tab stays in it.
  for (let i = 0; i < 30; i++) {
    await page.keyboard.press('Tab');
    assert(await page.evaluate(() => document.activeElement === document.body || document.activeElement.closest('dialog') !== null));
  }
  await page.keyboard.press('Escape');
  await dialog.waitFor({ state: 'hidden' });
  assert.equal(await focused(page), 'button New key');
  await page.keyboard.press('Space');
  await dialog.waitFor();
  await dialog.getByLabel('Name', { exact: true }).focus();
  await page.keyboard.type('typed');
  await tab_to(page, /^combobox/);
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('Enter');
  await page.keyboard.press('Enter');
  const secret = await dialog.getByLabel('The secret', { exact: true }).innerText();
  await tab_to(page, /I have kept it/);
  await page.keyboard.press('Enter');
  await dialog.waitFor({ state: 'hidden' });
  const { items } = await call('keys.list');
  const made = items.find(({ name }) => name === 'typed');
  assert(made && ['alice', 'bob', 'crm'].includes(made.principal));
  await go(page, `#/keys/${made.id}`);
  await page.getByRole('switch').focus();
  await page.keyboard.press('Space');
  await said(page, 'is off');
  assert(!await is_allowed(secret));
});

test('a tree is walked, opened and ticked with the keys', async (t) => {
  const page = await sign_in(t, browser);

  await go(page, '#/new-role');
  await page.getByRole('list', { name: 'Steps' }).getByRole('button', { name: /api/ }).press('Enter');
  await page.getByRole('tree').waitFor();
  await settled(page);
  await tab_to(page, /^treeitem/);
  const row = () => page.evaluate(() => [document.activeElement.querySelector('.name')?.title, document.activeElement.getAttribute('aria-expanded'), document.activeElement.getAttribute('aria-checked')].join(' '));
  const press = async (key, then) => {
    await page.keyboard.press(key);
    await until(async () => then.test(await row()), `${key}: ${then}, not ${await row()}`);
  };
  await press('Home', /^api:\/ true/);
  await press('ArrowLeft', /^api:\/ false/);
  await press('ArrowRight', /^api:\/ true/);
  await press('ArrowRight', /^api:\/loans /);
  await press('Space', /^api:\/loans \w+ true/);
  await press('ArrowUp', /^api:\/ true mixed/);
  await press('Space', /^api:\/ true true/);
  await press('Space', /^api:\/ true false/);
  await press('d', /^api:\/ /);
  await page.getByRole('list', { name: 'Steps' }).getByText('denied').waitFor();
});

test('tabs are chosen with arrows', async (t) => {
  const page = await sign_in(t, browser);

  await go(page, '#/policy');
  await tab_to(page, /^tab Now/);
  await page.keyboard.press('ArrowRight');
  await until(async () => /^tab Tree/.test(await focused(page)), 'the next tab');
  assert.equal(await page.getByRole('tab', { name: 'Tree' }).getAttribute('aria-selected'), 'true');
});
