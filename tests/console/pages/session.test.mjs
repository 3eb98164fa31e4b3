// SPDX-License-Identifier: Apache-2.0
// Who is signed in, and for how long; a daemon that is away; a caller with few rights.

import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import test from 'node:test';
import { browse, call, control, expect_problem, go, PAGES, people, POLICY, serve, sign_in, SOCKET, TOOL, until, visit } from './console.mjs';

const { ids } = await people();
const browser = await browse();
const signed_out = (page) => page.getByText('This page needs a session').waitFor();

test('a link signs in once, and is no part of the address any more', async (t) => {
  const { link } = await serve(t);
  const page = await visit(t, browser, link);
  const ticket = new URL(link).hash.slice(1);

  assert(!page.url().includes(ticket));
  await page.goBack().catch(() => null);
  assert(!page.url().includes(ticket));
  assert(!(await page.content()).includes(ticket));
  const other = await browser.newContext();
  t.after(() => other.close());
  const thief = await other.newPage();
  await thief.goto(link);
  await signed_out(thief);
  assert(await thief.getByRole('heading', { name: 'Sign in to authzd' }).isVisible());
  assert.equal(await thief.getByRole('navigation').count(), 0);
  // The first one is still signed in, and after a reload too.
  await page.goto(new URL('/console/', link).href);
  await page.getByRole('heading', { name: 'Keys' }).waitFor();
});

test('signing out ends the session, for this page and for every other one', async (t) => {
  const page = await sign_in(t, browser);
  const second = await page.context().newPage();

  await second.goto(page.url());
  await second.getByRole('navigation').waitFor();
  await page.getByRole('button', { name: 'Sign out' }).click();
  await signed_out(page);
  await second.getByRole('link', { name: 'Roles' }).click();
  await signed_out(second);
  await page.reload();
  await signed_out(page);
  assert.deepEqual((await page.context().cookies()).filter(({ value }) => value !== ''), []);
  expect_problem(page, /401/);
});

test('a daemon that is away is an error that says what to do, and later the page works', async (t) => {
  const page = await sign_in(t, browser);

  await go(page, '#/keys');
  await page.getByRole('link', { name: 'laptop' }).waitFor();
  await control('stop');
  await go(page, '#/roles');
  const alert = page.getByRole('alert');
  await alert.getByText('authzcheck status').waitFor();
  await control('start');
  await alert.getByRole('button', { name: 'Try again' }).click();
  await page.getByRole('link', { name: 'night-desk' }).waitFor();
  assert.equal(await alert.count(), 0);
  expect_problem(page, /503/);
});

test('a console that ended is an error that says where to look', async (t) => {
  const { link, child, ended } = await serve(t);
  const page = await visit(t, browser, link);

  child.kill('SIGTERM');
  await ended;
  await go(page, '#/roles');
  await page.getByRole('alert').getByText('still running in its terminal').waitFor();
  expect_problem(page, /ERR_CONNECTION_REFUSED/);
});

test('a caller with few rights sees what it may do, and is offered nothing else', async (t) => {
  await writeFile(join(POLICY, 'watcher.policy'), 'role key-watcher {\n    allow list on authz:/keys\n    allow read on authz:/keys/{key}\n}\n');
  await call('policy.reload');
  await call('principals.create', { id: 'watcher' });
  await call('assignments.create', { principal: 'watcher', role: 'key-watcher' });
  const { secret, id } = await call('keys.create', { principal: 'watcher', name: 'watching' });
  const file = join(dirname(SOCKET), 'watcher.key');
  await writeFile(file, `${secret}\n`, { mode: 0o600 });

  const page = await sign_in(t, browser, {}, '--token-file', file);
  const refused = [];
  page.on('response', (answer) => [401, 403].includes(answer.status()) && refused.push(answer.request().postData()));
  await page.getByRole('link', { name: 'laptop' }).waitFor();
  assert.deepEqual(await page.getByRole('navigation').getByRole('link').allInnerTexts().then((all) => all.slice(1)), ['Keys', 'Use']);
  await page.getByTitle(`principal:watcher`).or(page.getByTitle(`key:${id}`)).first().waitFor();
  assert.equal(await page.getByRole('button', { name: 'New key' }).count(), 0);
  assert.equal(await page.getByRole('switch', { disabled: false }).count(), 0);
  await go(page, `#/keys/${ids.alice}`);
  for (const name of [/Rotate/, /Edit/, /Revoke/, /Delete/]) {
    assert.equal(await page.getByRole('main').getByRole('button', { name }).count(), 0, `${name}`);
  }
  await go(page, '#/use');
  // What is asked for nevertheless is refused by the daemon, and the page says so.
  for (const [name, hash] of Object.entries(PAGES).filter(([, to]) => !['#/keys', '#/use', '#/try', '#/policy'].includes(to))) {
    await go(page, hash);
    assert(await page.getByRole('alert').count() > 0, name);
  }
  await until(() => refused.length > 0, 'a refusal');
  page.allowed.push(/403/);
});
