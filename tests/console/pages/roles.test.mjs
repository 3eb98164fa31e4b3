// SPDX-License-Identifier: Apache-2.0
// Roles in the browser: those of the files, those of the store, and the editor, and what the daemon has afterwards.

import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'node:test';
import { browse, go, json, people, serious, serve, settled, shoot, tool, visit } from './console.mjs';

await people();

const button = (page, name) => page.getByRole('button', { name, exact: true });

async function grants(name) {
  return (await json('role', 'show', name)).grants;
}

// The row of a node in the tree, by the last segment of its path.
function node(page, segment) {
  return page.getByRole('treeitem').filter({ has: page.locator('.name', { hasText: new RegExp(`^${segment.replace(/[{}]/g, '\\$&')}$`) }) });
}

test('roles', async (t) => {
  const browser = await browse(t);
  const { link } = await serve(t);
  const page = await visit(t, browser, link);
  const step = (name) => page.getByRole('list', { name: 'Steps' }).getByRole('button', { name });

  await t.test('the list has those of the files and of the store, with who holds them', async () => {
    await go(page, '#/roles');
    await page.getByRole('row').filter({ hasText: 'night-desk' }).getByText('nobody').waitFor();
    await page.getByRole('row').filter({ hasText: 'tenant-admin' }).getByText('1 principal').waitFor();
    await page.getByLabel('Declared by').selectOption('store');
    await page.getByText('1 of 7 roles').waitFor();
  });

  await t.test('what a role of the files allows and denies is counted as the daemon counts for a role of the store', async () => {
    const { grants: lines } = await json('role', 'show', 'servicing');
    await tool('role', 'create', 'twin', ...lines.flatMap((line) => ['--grant', line]));
    const { allowed, denied } = await json('role', 'show', 'twin');
    assert(allowed > 0 && denied > 0);
    await go(page, '#/roles');
    const row = page.getByRole('row').filter({ has: page.getByRole('link', { name: 'servicing', exact: true }) });
    await row.getByRole('gridcell').filter({ hasText: new RegExp(`^${allowed}`) }).waitFor();
    await row.getByRole('gridcell').filter({ hasText: new RegExp(`^${denied}`) }).waitFor();
    await tool('role', 'delete', 'twin');
  });

  await t.test('a narrow list has what its columns leave out in lines below', async () => {
    await page.setViewportSize({ width: 360, height: 900 });
    await go(page, '#/roles');
    const row = page.getByRole('row').filter({ has: page.getByRole('link', { name: 'tenant-admin', exact: true }) });
    await row.locator('.brief').getByText('held by 1 principal').waitFor();
    await row.locator('.brief').getByText('The only role that sees the API overview').waitFor();
    await page.setViewportSize({ width: 1280, height: 900 });
    await row.getByRole('gridcell').filter({ hasText: /^1 principal$/ }).waitFor();
    assert.equal(await row.locator('.brief').count(), 0);
  });

  await t.test('a role of the files has its grants with their places, its source and its tests, and no Edit', async () => {
    await go(page, '#/roles/servicing');
    await page.getByRole('link', { name: 'roles.policy:26' }).waitFor();
    await page.locator('.source').getByText('role servicing "Loan servicing" inherits get-only').waitFor();
    await page.getByText('a deny overrides every allow').waitFor();
    assert.equal(await page.getByRole('link', { name: 'Edit …', exact: true }).count(), 0);
    await node(page, '/ssn').getByText('⊘').waitFor();
    await node(page, '/escrow').getByText('when context.amount <= principal.escrow_limit').waitFor();
    await node(page, '/queue').getByText('get-only').waitFor();
  });

  await t.test('a role is made by the keyboard: a subtree, a method, a denial, and what it gives is said before', async () => {
    await go(page, '#/new-role');
    await page.getByLabel('Name', { exact: true }).fill('desk');
    await button(page, 'Next').click();
    await node(page, '/loan-manager').focus();
    await page.keyboard.press('Space');
    await button(page, 'Next').click();
    await node(page, '/loans').focus();
    await page.keyboard.press('Space');
    assert.equal(await node(page, '/loans').getAttribute('aria-checked'), 'true');
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('Tab');
    await page.keyboard.press('Space');
    assert.equal(await node(page, '/loans').getAttribute('aria-checked'), 'mixed', 'GET of a loan is out');
    await node(page, '/{loan}').focus();
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('d');
    await node(page, '/{payment}').getByRole('button', { name: /void DELETE: allowed by a box, but denied/ }).waitFor();
    await step('Review and save').click();
    await page.getByText('gains 16').waitFor();
    await page.getByText('loses 0').waitFor();
    await button(page, 'Create the role').click();
    await page.getByRole('heading', { level: 1, name: 'desk' }).waitFor();
    assert.deepEqual(await grants('desk'), ['allow all on api:/loans/** except read on api:/loans/{loan}', 'allow all on ui:/loan-manager/**', 'deny all on api:/loans/{loan}/payments/**']);
  });

  await t.test('a chip is one method; lines with conditions stay; the effect is said with for whom', async () => {
    await tool('role', 'create', 'cond', '--grant', 'allow GET on api:/loans', '--grant', 'allow update on api:/loans/{loan} when context.amount < 5');
    await tool('assign', 'crm', 'cond');
    await go(page, '#/edit-role/cond');
    await step(/The public API/).click();
    await node(page, '/{loan}').getByText('update when context.amount < 5').waitFor();
    await node(page, '/loans').getByRole('button', { name: /^list GET: allowed/ }).click();
    await node(page, '/{loan}').getByRole('button', { name: /^PATCH: not allowed/ }).click();
    await step('Review and save').click();
    await page.getByText('gains 1', { exact: true }).waitFor();
    await page.getByText('loses 1', { exact: true }).waitFor();
    await page.getByText('1 principal', { exact: true }).waitFor();
    await button(page, 'Save the change').click();
    await page.getByRole('heading', { level: 1, name: 'cond', exact: true }).waitFor();
    assert.deepEqual(await grants('cond'), ['allow update on api:/loans/{loan} when context.amount < 5', 'allow PATCH on api:/loans/{loan}']);
  });

  await t.test('one chip more is one line more, and the other lines stay', async () => {
    await tool('role', 'create', 'keeps', '--grant', 'allow list, read on api:/loans/**', '--grant', 'allow read on api:/customers/**');
    await go(page, '#/edit-role/keeps');
    await step(/The public API/).click();
    await node(page, '/loans').getByRole('button', { name: /^create POST: not allowed/ }).click();
    await step('Review and save').click();
    await page.getByText('gains 1', { exact: true }).waitFor();
    const lines = page.locator('.grants li');
    assert.deepEqual((await lines.allInnerTexts()).map((text) => text.replace(/\s+/g, ' ')), ['allow list, read on api:/loans/**', 'allow read on api:/customers/**', 'allow create on api:/loans new']);
    await button(page, 'Save the change').click();
    await page.getByRole('heading', { level: 1, name: 'keeps' }).waitFor();
    assert.deepEqual(await grants('keeps'), ['allow list, read on api:/loans/**', 'allow read on api:/customers/**', 'allow create on api:/loans']);
    await tool('role', 'delete', 'keeps');
  });

  await t.test('one method is allowed at and below a node by one press', async () => {
    await go(page, '#/new-role');
    await page.getByLabel('Name', { exact: true }).fill('looks-on');
    await step(/The public API/).click();
    const whole = page.getByRole('button', { name: /^GET at and below api:\/: / });
    await whole.click();
    assert.equal(await whole.getAttribute('aria-pressed'), 'true');
    await node(page, '/loans').getByRole('button', { name: /^list GET: allowed/ }).waitFor();
    assert.deepEqual(await serious(page, 'main'), []);
    await whole.click();
    assert.equal(await whole.getAttribute('aria-pressed'), 'false');
    // The row that the keyboard is at says where.
    await node(page, '/loans').focus();
    await page.getByRole('button', { name: /^GET at and below api:\/loans: / }).click();
    await shoot(page, 'one method below a node');
    await step('Review and save').click();
    await button(page, 'Create the role').click();
    await page.getByRole('heading', { level: 1, name: 'looks-on' }).waitFor();
    assert.deepEqual(await grants('looks-on'), ['allow GET on api:/loans/**']);
    await tool('role', 'delete', 'looks-on');
  });

  await t.test('a line that the daemon refuses is marked, in the review and where it is written', async () => {
    await go(page, '#/edit-role/cond');
    await step(/The public API/).click();
    await button(page, 'Add a line').click();
    await page.getByLabel('A line of grants').last().fill('allow void on api:/nothing');
    await step('Review and save').click();
    await page.locator('.grants li.wrong', { hasText: 'allow void on api:/nothing' }).waitFor();
    assert.equal(await button(page, 'Save the change').isDisabled(), true);
    page.problems.splice(0);
    await button(page, 'Change this line').click();
    assert.equal(await page.getByLabel('A line of grants').and(page.locator('[aria-invalid="true"]')).inputValue(), 'allow void on api:/nothing');
  });

  await t.test('a name that is taken is said in the step of the name', async () => {
    await go(page, '#/new-role');
    await page.getByLabel('Name', { exact: true }).fill('not a name');
    await step('Review and save').click();
    await page.getByLabel('Name', { exact: true }).and(page.locator('[aria-invalid="true"]')).waitFor();
    page.problems.splice(0);
  });

  await t.test('what somebody else changed meanwhile is not overwritten', async () => {
    await go(page, '#/edit-role/night-desk');
    await page.getByRole('textbox', { name: 'Description' }).fill('Mine');
    await tool('role', 'edit', 'night-desk', '--description', 'Theirs');
    await step('Review and save').click();
    await button(page, 'Save the change').click();
    await page.getByText('somebody else has changed this role').waitFor();
    assert.equal((await json('role', 'show', 'night-desk')).description, 'Theirs');
  });

  await t.test('a link does not lose what was changed without a question', async () => {
    await page.getByRole('navigation', { name: 'Pages' }).getByRole('link', { name: 'Trail' }).click();
    await page.getByRole('dialog').getByText('Leave without saving?').waitFor();
    await button(page.getByRole('dialog'), 'Cancel').click();
    assert.match(page.url(), /#\/edit-role\/night-desk$/);
  });

  await t.test("nor does the browser's Back", async () => {
    const description = page.getByRole('textbox', { name: 'Description' });
    await step('Name and description').click();
    const unsaved = await description.inputValue();
    for (const _ of [1, 2]) {
      await page.evaluate(() => history.back());
      await page.getByRole('dialog').getByText('Leave without saving?').waitFor();
      assert.match(page.url(), /#\/edit-role\/night-desk$/);
      // Back once more, while it asks: there, and here again.
      await page.evaluate(() => new Promise((resolve) => {
        let seen = 0;
        // The page's own listener, which may be called after this one, has to be done.
        addEventListener('hashchange', () => ++seen === 2 && setTimeout(resolve));
        history.back();
      }));
      await page.getByRole('dialog').getByText('Leave without saving?').waitFor();
      await button(page.getByRole('dialog'), 'Cancel').click();
      assert.equal(await description.inputValue(), unsaved);
    }
    await page.evaluate(() => history.back());
    await button(page.getByRole('dialog'), 'Leave').click();
    await page.waitForURL((url) => !/edit-role/.test(url));
    // What was not saved is gone.
    await go(page, '#/edit-role/night-desk');
    assert.notEqual(await description.inputValue(), unsaved);
    await page.evaluate(() => history.back());
    await page.waitForURL((url) => !/edit-role/.test(url));
    assert.equal(await page.getByRole('dialog').isVisible(), false);
  });

  await t.test('a page that was left by a link asks, too', async () => {
    await go(page, '#/edit-role/night-desk');
    await page.getByRole('textbox', { name: 'Description' }).fill('Mine');
    await page.getByRole('link', { name: 'Leave without saving' }).click();
    await button(page.getByRole('dialog'), 'Leave').click();
    await page.waitForURL(/#\/roles\/night-desk$/);
  });

  await t.test('a role is deleted after a question', async () => {
    await go(page, '#/roles/desk');
    await button(page, 'Delete …').click();
    await button(page.getByRole('dialog'), 'Delete').click();
    await page.waitForURL(/#\/roles$/);
    await settled(page);
    await assert.rejects(grants('desk'));
  });
});

test('who may only read is offered nothing else', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'console-'));
  t.after(() => rm(folder, { recursive: true }));
  const words = ['/roles list', '/roles/{role} read', '/principals list', '/principals/{principal} read'].flatMap((one) => {
    const [path, action] = one.split(' ');
    return ['--grant', `allow ${action} on authz:${path}`];
  });
  await tool('role', 'create', 'role-reader', ...words);
  await writeFile(join(folder, 'key'), await tool('key', 'create', '--role', 'role-reader', '--name', 'reader'));
  const browser = await browse(t);
  const { link } = await serve(t, '--token-file', join(folder, 'key'));
  const page = await visit(t, browser, link);

  await go(page, '#/roles/night-desk');
  await page.getByText('allow GET on api:/**').first().waitFor();
  await node(page, '/queue').getByText('list').waitFor();
  for (const [hash, heading] of [['#/roles', 'Roles'], ['#/roles/night-desk', 'night-desk'], ['#/people', 'People and services'], ['#/people/alice', 'Alice Archer']]) {
    await go(page, hash);
    await page.getByRole('heading', { level: 1, name: heading }).waitFor();
    await settled(page);
    if (process.env.AUTHZ_TEST_SHOTS) {
      await page.screenshot({ path: `${process.env.AUTHZ_TEST_SHOTS}/reader-${heading.replaceAll(' ', '-')}.png` });
    }
    assert.equal(await page.locator('main').getByRole('button', { name: /^(New|Edit|Delete|Switch off|Assign|Take away)/ }).count(), 0, hash);
    assert.equal(await page.locator('main').getByRole('link', { name: /^(New|Edit)/ }).count(), 0, hash);
    assert.equal(await page.locator('main').getByRole('switch', { disabled: false }).count(), 0, hash);
    assert.equal(await page.locator('main').getByRole('alert').count(), 0, `${hash}: nothing is asked for that is refused`);
  }
  page.problems.splice(0);
});
