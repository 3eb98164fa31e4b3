// SPDX-License-Identifier: Apache-2.0
// The dialogs about one key: it is made, edited, rotated in each way, revoked, deleted, restored and purged.

import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import test from 'node:test';
import { browse, call, expect_problem, go, is_allowed, people, said, serious, settled, shoot, sign_in, until } from './console.mjs';

const { ids } = await people();
const browser = await browse();
const dialog = (page) => page.getByRole('dialog');
const fresh = (name, more = {}) => call('keys.create', { roles: ['get-only'], name, ...more });

// What the page keeps anywhere where a script, a reader of the disk or of the address could find it.
async function kept(page) {
  return await page.evaluate(async () => JSON.stringify([document.documentElement.outerHTML, [...document.querySelectorAll('input, textarea')].map(({ value }) => value),
    document.title, location.href, history.state, { ...localStorage }, { ...sessionStorage }, document.cookie, await indexedDB.databases(), await caches.keys()]));
}

// Takes the secret out of the dialog that shows it once, and closes it.
async function take_secret(page) {
  const box = dialog(page).getByLabel('The secret', { exact: true });
  await box.waitFor();
  const secret = await box.innerText();
  for (let i = 0; i < 3; i++) {
    await page.keyboard.press('Escape');
  }
  assert(await box.isVisible(), 'Escape must not close it');
  assert.deepEqual(await serious(page, 'dialog'), []);
  await dialog(page).getByRole('button', { name: 'I have kept it' }).click();
  await box.waitFor({ state: 'detached' });
  assert(!(await kept(page)).includes(secret.split('_').at(-1)));
  return secret;
}

const make = (page) => dialog(page).getByRole('button', { name: 'Create', exact: true }).click();

test('a key of a principal is made; its secret is shown once, copied, downloaded, and then nowhere', async (t) => {
  const page = await sign_in(t, browser, { permissions: ['clipboard-read', 'clipboard-write'], acceptDownloads: true });

  await page.getByRole('button', { name: 'New key' }).click();
  await make(page);
  assert(await dialog(page).getByText('Something is missing').isVisible());
  await dialog(page).getByLabel('Name', { exact: true }).fill('night job');
  await dialog(page).getByLabel('Label').fill('batch');
  await dialog(page).getByRole('combobox', { name: 'Principal' }).fill('cr');
  await page.keyboard.press('Enter');
  await dialog(page).getByText('get-only').waitFor();
  await dialog(page).getByText('Narrow it').click();
  await dialog(page).getByLabel('Networks').fill('10.0.0.0/33');
  await page.keyboard.press('Enter');
  assert.equal(await dialog(page).getByLabel('Networks').getAttribute('aria-invalid'), 'true');
  await page.keyboard.press('Backspace');
  await dialog(page).getByLabel('Only at these places').fill('api:/loans/7');
  await page.keyboard.press('Enter');
  await dialog(page).getByLabel('Expires').selectOption('2592000');
  await dialog(page).getByLabel('Rotation').selectOption('7776000');
  await shoot(page, 'dialog new key');
  assert.deepEqual(await serious(page, 'dialog'), []);
  await make(page);

  const box = dialog(page).getByLabel('The secret', { exact: true });
  const secret = await box.innerText();
  await shoot(page, 'dialog secret');
  await dialog(page).getByRole('button', { name: 'Copy' }).click();
  await dialog(page).getByRole('button', { name: 'Copied' }).waitFor();
  assert.equal(await page.evaluate(() => navigator.clipboard.readText()), secret);
  const [download] = await Promise.all([page.waitForEvent('download'), dialog(page).getByRole('button', { name: 'Download' }).click()]);
  assert.equal(await readFile(await download.path(), 'utf8'), `${secret}\n`);
  assert.equal(await take_secret(page), secret);

  const { items: [key] } = await call('keys.list', { label: 'batch' });
  assert.equal(download.suggestedFilename(), `${key.id}.key`);
  assert.deepEqual([key.name, key.principal, key.at, key.rotate_every, key.networks], ['night job', 'crm', ['api:/loans/7'], 7776000, undefined]);
  assert(Math.abs(key.expires_at - key.created_at - 2592000) < 60);
  await page.getByRole('link', { name: 'night job' }).waitFor();
  assert(await is_allowed(secret));
  assert(!await is_allowed(secret, 'GET', '/loans/8'));
  await page.reload();
  await settled(page);
  assert(!(await kept(page)).includes(secret.split('_').at(-1)));
});

test('a key of roles is made, and one of scopes; what the daemon refuses stands at its field', async (t) => {
  const page = await sign_in(t, browser);

  await page.getByRole('button', { name: 'New key' }).click();
  await dialog(page).getByLabel('Name', { exact: true }).fill('by role');
  await dialog(page).getByRole('radio', { name: /^Roles/ }).check();
  await dialog(page).getByRole('checkbox', { name: /^loan-searcher/ }).check();
  await make(page);
  const secret = await take_secret(page);
  assert(await is_allowed(secret, 'POST', '/loans/search'));
  assert(!await is_allowed(secret));

  await page.getByRole('button', { name: 'New key' }).click();
  await dialog(page).getByLabel('Name', { exact: true }).fill('x'.repeat(2000));
  await dialog(page).getByRole('radio', { name: /^Roles/ }).check();
  await dialog(page).getByRole('checkbox', { name: /^get-only/ }).check();
  await make(page);
  await until(async () => await dialog(page).getByLabel('Name', { exact: true }).getAttribute('aria-invalid') === 'true', 'the refusal at the name');
  await dialog(page).getByLabel('Name', { exact: true }).fill('by scope');
  const scopes = dialog(page).getByRole('radio', { name: /^Scopes/ });
  if (await scopes.count() > 0) {
    await scopes.check();
    await dialog(page).getByRole('group', { name: /^Scopes/ }).getByRole('checkbox').first().check();
  }
  await make(page);
  await take_secret(page);
  assert.equal((await call('keys.list')).items.filter(({ name }) => name === 'by scope').length, 1);
  page.allowed.push(/400/);
});

test('a key is edited', async (t) => {
  const page = await sign_in(t, browser);

  await go(page, `#/keys/${ids.roles}`);
  await page.getByRole('button', { name: 'Edit …' }).first().click();
  const save = dialog(page).getByRole('button', { name: 'Save' });
  assert(await save.isDisabled());
  await dialog(page).getByLabel('Name', { exact: true }).fill('reader of reports');
  await dialog(page).getByLabel('Label').fill('reports');
  await dialog(page).getByLabel('Networks').fill('192.0.2.0/24');
  await page.keyboard.press('Enter');
  await dialog(page).getByLabel('Expires').selectOption('7776000');
  await shoot(page, 'dialog edit key');
  assert.deepEqual(await serious(page, 'dialog'), []);
  await save.click();
  await page.getByRole('heading', { name: 'reader of reports' }).waitFor();
  const key = await call('keys.get', { id: ids.roles });
  assert.deepEqual([key.name, key.label, key.networks], ['reader of reports', 'reports', ['192.0.2.0/24']]);
  assert(key.expires_at > key.created_at);
});

test('a key is rotated with an overlap, which is drawn, made longer, and ended or taken back', async (t) => {
  const page = await sign_in(t, browser);
  const { id, secret } = await fresh('rotating');
  const rotate = async () => {
    await page.getByRole('button', { name: 'Rotate …' }).click();
    await dialog(page).getByRole('figure', { name: 'The secrets after this step' }).waitFor();
    assert.deepEqual(await serious(page, 'dialog'), []);
    await dialog(page).getByRole('button', { name: 'Make the new secret' }).click();
    return await take_secret(page);
  };
  const confirm = async (button, action) => {
    await page.getByRole('button', { name: button }).click();
    await dialog(page).getByRole('button', { name: action, exact: true }).click();
    await dialog(page).waitFor({ state: 'hidden' });
  };

  await go(page, `#/keys/${id}`);
  // What the policy says is drawn before it is done.
  await page.getByRole('button', { name: 'Rotate …' }).click();
  await dialog(page).getByLabel('The old one counts for').getByText('1 day, as the policy says').waitFor({ state: 'attached' });
  await dialog(page).getByRole('figure', { name: 'The secrets after this step' }).getByText(/^ends (in 24 hours|tomorrow|in 1 day)$/).waitFor();
  await dialog(page).getByRole('button', { name: 'Cancel' }).click();
  const second = await rotate();
  assert(await is_allowed(secret) && await is_allowed(second));
  const drawn = page.getByRole('figure', { name: 'The secrets of the key over time' });
  await drawn.getByText('Old secret').waitFor();
  assert(await drawn.locator('.span').count() >= 2);
  await shoot(page, 'overlap');
  await page.getByRole('button', { name: 'Give it more time …' }).click();
  await dialog(page).getByLabel('From now on, it counts for').selectOption('604800');
  await dialog(page).getByRole('button', { name: 'Give it more time' }).click();
  await said(page, 'The old secret counts until');
  assert((await call('keys.get', { id })).retiring_until > Date.now() / 1000 + 6 * 86400);
  await confirm('Back to the old one …', 'Go back');
  await said(page, 'current again');
  assert(await is_allowed(secret) && !await is_allowed(second));
  const third = await rotate();
  await confirm('End the old one …', 'End it');
  await said(page, 'has ended');
  assert(!await is_allowed(secret) && await is_allowed(third));
});

test('a key is rotated when the new secret is used, and at once', async (t) => {
  const page = await sign_in(t, browser);
  const { id, secret } = await fresh('confirming');
  const rotate = async (mode) => {
    await page.getByRole('button', { name: 'Rotate …' }).click();
    await dialog(page).getByRole('radio', { name: mode }).check();
    await dialog(page).getByRole('button', { name: 'Make the new secret' }).click();
    return await take_secret(page);
  };

  await go(page, `#/keys/${id}`);
  await rotate(/^When the new one is used/);
  await page.getByRole('button', { name: 'Drop the new one …' }).click();
  await dialog(page).getByRole('button', { name: 'Drop it' }).click();
  await said(page, 'dropped');
  const second = await rotate(/^When the new one is used/);
  assert(await is_allowed(secret));
  assert(await is_allowed(second));
  await until(async () => (await call('keys.get', { id })).pending_until === undefined, 'the confirmation');
  await call('keys.finish', { id });
  await page.reload();
  await settled(page);
  const third = await rotate(/^At once/);
  assert(!await is_allowed(second) && await is_allowed(third));
});

test('a key is switched off and on, revoked, deleted, restored and purged', async (t) => {
  const page = await sign_in(t, browser);
  const { id, secret } = await fresh('short life');
  const confirm = async (button, action) => {
    await page.getByRole('main').getByRole('button', { name: button }).click();
    assert.deepEqual(await serious(page, 'dialog'), []);
    await dialog(page).getByRole('button', { name: action, exact: true }).click();
    await dialog(page).waitFor({ state: 'hidden' });
  };
  const turn = page.getByRole('switch', { name: 'Key short life is on' });

  await go(page, `#/keys/${id}`);
  await turn.waitFor();
  const badge = page.locator('.head .badge');
  assert.equal(await badge.count(), 0, 'the switch alone says whether it is on');
  await turn.click();
  await said(page, 'is off');
  assert(!await is_allowed(secret));
  await turn.click();
  await said(page, 'is on');
  assert(await is_allowed(secret));
  await page.getByRole('button', { name: 'Revoke …' }).click();
  await dialog(page).getByText('This cannot be undone').waitFor();
  await page.keyboard.press('Escape');
  await dialog(page).waitFor({ state: 'hidden' });
  assert(await is_allowed(secret), 'a question that was left changes nothing');
  await confirm('Delete …', 'Delete');
  await said(page, 'can be restored');
  assert(!await is_allowed(secret));
  await confirm('Restore …', 'Restore');
  await said(page, 'switched off');
  await confirm('Revoke …', 'Revoke for ever');
  await said(page, 'is revoked');
  await badge.getByText('revoked').waitFor();
  assert.equal((await call('keys.get', { id })).status, 'revoked');
  await page.getByRole('button', { name: 'Rotate …' }).waitFor({ state: 'detached' });
  await confirm('Delete …', 'Delete');
  await confirm('Purge …', 'Remove for ever');
  await said(page, 'is gone');
  await page.getByRole('heading', { name: 'Keys', level: 1 }).waitFor();
  assert.equal((await call('keys.list', { status: 'deleted' })).items.length, 0);
  // A deleted key is looked for among the others first.
  expect_problem(page, /404/);
});

test('a key’s page shows its use, its denials and its trail', async (t) => {
  const page = await sign_in(t, browser);

  await go(page, `#/keys/${ids.alice}`);
  const main = page.getByRole('main');
  await main.getByRole('link', { name: 'alice' }).first().waitFor();
  for (const text of ['no role allows it', 'created key']) {
    await main.getByText(text).first().waitFor();
  }
  await page.getByRole('link', { name: 'Try a request' }).click();
  await page.getByRole('heading', { name: 'Try' }).waitFor();
  assert.equal(await page.getByLabel('Key ID').inputValue(), ids.alice);
});

test('a button of a dialog that is pressed twice at once sends one request', async (t) => {
  const { id } = await fresh('pressed twice');
  const page = await sign_in(t, browser);
  const sent = [];

  page.on('request', (asked) => {
    const method = asked.url().endsWith('/call') ? asked.postDataJSON().method : '';
    if (method === 'keys.revoke') {
      sent.push(method);
    }
  });
  await go(page, `#/keys/${id}`);
  await page.getByRole('button', { name: 'Revoke …' }).click();
  await dialog(page).getByRole('button', { name: 'Revoke for ever' }).evaluate((button) => {
    button.click();
    button.click();
  });
  await said(page, 'The key is revoked.');
  await settled(page);
  assert.deepEqual(sent, ['keys.revoke']);
  await page.locator('.records').getByText('revoked key').waitFor();
  assert.match(await page.locator('.records').innerText(), /status\s*on\b/, 'the trail says a status as the pages do');
});
