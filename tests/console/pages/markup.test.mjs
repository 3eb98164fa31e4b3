// SPDX-License-Identifier: Apache-2.0
// Markup and script in every text that somebody else may write: the pages show it as text, and nothing of it runs.

import assert from 'node:assert/strict';
import { rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'node:test';
import { browse, call, control, go, PAGES, POLICY, settled, sign_in } from './console.mjs';

// Each sets globalThis.owned if it runs.
const EVIL = [
  '<img src=x onerror=owned=1>', '"><script>owned=1</script>', '\'"><svg onload=owned=1>', 'javascript:owned=1//', '</script><script>owned=1</script>',
  '<iframe srcdoc="<script>parent.owned=1</script>">', '<a href="javascript:owned=1">x</a>', '${owned=1}', '{{owned=1}}', '<style>*{display:none}</style>',
  '<base href="//evil.example/">', '<form action="//evil.example/"><input name=a>', '&lt;b&gt; \u202e\u0007 \u2066', '__proto__', 'constructor',
];

// Ids have few characters; what of the texts may be one, the daemon says.
const made = await control('calls', EVIL.flatMap((text, i) => [
  ['principals.create', { id: `evil${i}`, name: text, attributes: { escrow_limit: '5', [`a${i}`]: text } }],
  ['principals.create', { id: text }],
  ['roles.create', { name: `evil-role${i}`, description: text, grants: ['allow GET on api:/**'] }],
  ['roles.create', { name: text, grants: ['allow GET on api:/**'] }],
  ['assignments.create', { principal: `evil${i}`, role: `evil-role${i}`, at: [`api:/loans/${encodeURIComponent(text).slice(0, 200)}`] }],
  ['keys.create', { principal: `evil${i}`, name: text, label: text }],
  ['keys.create', { roles: [`evil-role${i}`], name: text, at: [`api:/loans/${encodeURIComponent(text).slice(0, 200)}`] }],
]));
const ids = made.filter((one) => one.secret).map(({ id }) => id);
await call('principals.update', { id: 'evil0', name: EVIL[1], attributes: { '<b>': EVIL[0] } }).catch(() => null);
await writeFile(join(POLICY, '.evil'), `${EVIL.filter((text) => !/[\u0000-\u001f\u202e\u2066"\\]/.test(text)).map((text, i) => `role declared-evil${i} "${text}" {\n    allow list on api:/loans\n}\n`).join('')}`);
await rename(join(POLICY, '.evil'), join(POLICY, '<img src=x onerror=owned=1>.policy'.replaceAll('/', '_')));
const reloaded = await control('calls', [['policy.reload', {}]]);
const browser = await browse();

async function check(page, where) {
  await settled(page);
  assert.deepEqual(await page.evaluate(() => [globalThis.owned, document.querySelectorAll('main script, main iframe, main base, main img, main object, main embed, main style, main form[action]').length,
    [...document.querySelectorAll('a[href]')].filter((link) => !['http:', 'blob:'].includes(link.protocol) || link.origin !== location.origin).map((link) => link.outerHTML),
    document.body.innerText.length > 50]), [undefined, 0, [], true], where);
}

test('markup and script in names, labels, descriptions, attributes, places and files run on no page', async (t) => {
  const page = await sign_in(t, browser);
  const dialogs = [];
  page.on('dialog', (dialog) => {
    dialogs.push(dialog.message());
    dialog.dismiss();
  });

  assert(ids.length > EVIL.length, 'most of the texts are accepted somewhere');
  const some = [...Array(EVIL.length).keys()];
  const hashes = [...Object.values(PAGES), ...ids.slice(0, 6).map((id) => `#/keys/${id}`), ...some.slice(0, 4).map((i) => `#/people/evil${i}`), ...some.slice(0, 4).map((i) => `#/roles/evil-role${i}`),
    '#/edit-role/evil-role0', '#/new-role?from=evil-role1', `#/try?id=evil0&method=PUT&path=${encodeURIComponent('/loans/<img src=x onerror=owned=1>')}`, '#/policy?show=tree', '#/policy?show=matrix',
    '#/policy?show=coverage', '#/policy?show=files', '#/roles/declared-evil0',
    ...EVIL.flatMap((text) => [`#/keys?search=${encodeURIComponent(text)}`, `#/people/${encodeURIComponent(text)}`]), `#/policy/${encodeURIComponent(EVIL[0])}?line=1`, `#/${encodeURIComponent(EVIL[0])}`];
  for (const hash of hashes) {
    await page.evaluate((to) => { location.hash = to; }, hash);
    await page.evaluate(() => new Promise((resolve) => {
      requestAnimationFrame(() => requestAnimationFrame(resolve));
    }));
    await check(page, hash);
  }
  await go(page, '#/keys');
  assert(await page.getByRole('link', { name: EVIL[0], exact: true }).count() > 0, 'the text is shown as it is');
  assert.deepEqual(dialogs, []);
  assert(reloaded.length === 1);
  assert.deepEqual(page.problems.filter((text) => !/status of 40[04]|status of 422/.test(text)), []);
  page.problems.splice(0);
});

test('markup in what is typed, in errors and in dialogs does not run', async (t) => {
  const page = await sign_in(t, browser);
  const dialog = page.getByRole('dialog');

  for (const text of EVIL.slice(0, 3)) {
    await go(page, '#/people');
    await page.getByRole('button', { name: 'New person or service' }).click();
    await dialog.getByLabel('ID', { exact: true }).fill(text);
    await dialog.getByRole('button', { name: 'Create' }).click();
    await dialog.locator('[aria-invalid="true"], [role="alert"]').first().waitFor();
    await check(page, `the dialog of people with ${text}`);
    await page.keyboard.press('Escape');
    await go(page, '#/trail');
    await page.getByLabel('By', { exact: true }).fill(text);
    await check(page, `the trail with ${text}`);
  }
  await go(page, `#/keys/${ids[0]}`);
  for (const name of ['Edit …', 'Rotate …', 'Revoke …']) {
    await page.getByRole('main').getByRole('button', { name }).first().click();
    await dialog.getByRole('button').first().waitFor();
    await check(page, name);
    await page.keyboard.press('Escape');
    await dialog.waitFor({ state: 'hidden' });
  }
  page.allowed.push(/status of 40[04]/);
});
