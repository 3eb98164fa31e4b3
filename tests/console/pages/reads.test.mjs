// SPDX-License-Identifier: Apache-2.0
// The pages that change nothing: Try, Policy, Trail and Use.

import assert from 'node:assert/strict';
import { rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'node:test';
import { browse, call, control, expect_problem, go, people, POLICY, said, settled, shoot, sign_in, tool } from './console.mjs';

const { ids, tokens } = await people();
const browser = await browse();
const main = (page) => page.getByRole('main');

test('Try shows a decision as a story with places in the files, what would allow it, and who may', async (t) => {
  const page = await sign_in(t, browser);
  const uses = async () => (await call('keys.get', { id: ids.alice })).uses;
  const before = await uses();

  await go(page, '#/try');
  await page.getByLabel('Principal', { exact: true }).fill('alice');
  await page.getByLabel('Method').selectOption('DELETE');
  await page.getByLabel('Path', { exact: true }).fill('/loans/7');
  await page.getByRole('button', { name: 'Ask' }).click();
  await main(page).getByText('Deny').first().waitFor();
  await main(page).getByRole('heading', { name: 'What would allow it' }).waitFor();
  await main(page).getByText('no role allows it').first().waitFor();
  await settled(page);
  const places = await main(page).locator('.position').allInnerTexts();
  assert(places.length > 0 && places.every((text) => /^\S+\.policy:\d+$/.test(text)), places.join());
  assert.match(page.url(), /id=alice/);
  // The answer is that of the daemon to the same request.
  await page.getByLabel('Method').selectOption('PUT');
  await page.getByRole('button', { name: 'Ask' }).click();
  await main(page).locator('.verdict.yes').waitFor();
  await main(page).getByText('servicing').first().waitFor();
  // A principal needs no key: that the line for keys does not allow it is not a denial.
  const first = main(page).locator('.story .lines > li').filter({ hasText: 'sufficient key' });
  await first.getByText('not enough', { exact: true }).waitFor();
  await first.getByText('no denial: the next checks decide').waitFor();
  await main(page).locator('.story').getByText('would deny', { exact: true }).waitFor();
  assert.deepEqual(await main(page).locator('.story .badge.bad').allInnerTexts(), []);
  await page.getByLabel('As', { exact: true }).selectOption('key');
  await page.getByLabel('Key ID').fill(ids.crm);
  await page.getByRole('button', { name: 'Ask' }).click();
  await main(page).locator('.verdict.no').waitFor();
  assert.equal(await uses(), before, 'a question is no use');
});

test('on a narrow screen the answer comes into sight, and a button shows the filters of the trail', async (t) => {
  const page = await sign_in(t, browser);

  await page.setViewportSize({ width: 360, height: 800 });
  await go(page, '#/try');
  await page.getByLabel('Principal', { exact: true }).fill('alice');
  await page.getByLabel('Path', { exact: true }).fill('/loans/7');
  await page.getByRole('button', { name: 'Ask' }).click();
  await main(page).locator('.verdict .word').waitFor();
  await page.waitForFunction(() => {
    const { top, bottom } = document.querySelector('.verdict .word').getBoundingClientRect();
    return top > 0 && bottom < innerHeight / 2;
  });
  await go(page, '#/trail');
  const kind = page.getByLabel('About', { exact: true });
  assert(await kind.isHidden());
  await page.getByRole('button', { name: 'Filter', exact: true }).click();
  await kind.selectOption('role');
  await page.getByRole('button', { name: 'Filter (1)' }).waitFor();
  await page.getByRole('button', { name: 'Show all' }).click();
  await page.getByRole('button', { name: 'Filter', exact: true }).waitFor();
  assert.equal(await kind.inputValue(), '');
});

test('facts decide in Try, and are not in the address', async (t) => {
  const page = await sign_in(t, browser);

  await call('principals.update', { id: 'alice', attributes: { escrow_limit: '500' } });
  await go(page, '#/try?id=alice&method=POST&path=%2Floans%2F7%2Fescrow');
  await page.getByText('Where, when, and facts').click();
  // The field is that of the fact's type.
  const amount = page.getByLabel('context.amount', { exact: true });
  await amount.fill('much');
  await page.getByRole('button', { name: 'Ask' }).click();
  await amount.and(page.locator('[aria-invalid="true"]')).waitFor();
  await amount.fill('501');
  await page.getByRole('button', { name: 'Ask' }).click();
  await main(page).locator('.verdict.no').waitFor();
  await amount.fill('400');
  await page.getByRole('button', { name: 'Ask' }).click();
  await main(page).locator('.verdict.yes').waitFor();
  assert(!page.url().includes('amount'));
});

test('a long path has the room beside the method', async (t) => {
  const page = await sign_in(t, browser);

  await go(page, '#/try');
  await main(page).getByText('How would this request be answered?').waitFor();
  const path = page.getByLabel('Path', { exact: true });
  await path.fill('/loans/1234567/payments/123');
  const [shown, whole] = await path.evaluate((one) => [one.clientWidth, one.scrollWidth]);
  assert(shown >= whole, `${shown} of ${whole} pixels`);
  await shoot(page, 'try, a path');
  // Where there is no room for both, the path is below.
  await page.setViewportSize({ width: 360, height: 800 });
  const below = await Promise.all([path, page.getByLabel('Method')].map((one) => one.evaluate((field) => field.getBoundingClientRect().top)));
  assert(below[0] > below[1], below.join());
});

test('a policy that is refused is shown with its diagnostics at their lines, and the old one decides', async (t) => {
  const page = await sign_in(t, browser);
  const file = join(POLICY, 'broken.policy');

  await go(page, '#/policy');
  await main(page).getByText('accepted', { exact: true }).first().waitFor();
  const { revision } = await call('policy.status');
  await writeFile(join(POLICY, '.broken'), 'role broken {\n    allow raed on api:/loans\n}\n');
  await rename(join(POLICY, '.broken'), file);
  await page.getByRole('button', { name: 'Reload the policy' }).click();
  await page.locator('.toast').getByRole('alert').waitFor();
  await main(page).getByText('refused', { exact: true }).first().waitFor();
  await main(page).getByText('broken.policy:2').first().waitFor();
  await main(page).getByText(/raed/).first().waitFor();
  assert.equal((await call('policy.status')).revision, revision);
  const newest = main(page).locator('.attempts > li').first();
  await newest.getByText('Last attempt', { exact: true }).waitFor();
  await newest.getByText('1 error, 0 warnings').waitFor();
  await newest.getByText(`The daemon keeps deciding by revision ${revision}.`).waitFor();
  await newest.getByText('asked for by').waitFor();
  await newest.getByRole('link', { name: 'broken.policy:2' }).first().waitFor();
  assert.deepEqual(await main(page).getByRole('heading', { level: 2 }).allInnerTexts(), ['The policy that decides', 'Missing from the policy', 'Last attempts']);
  await shoot(page, 'a refused policy');
  await main(page).getByRole('link', { name: 'broken.policy:2' }).first().click();
  await page.getByRole('heading', { name: 'broken.policy' }).waitFor();
  await main(page).getByText('allow raed on api:/loans').waitFor();
  await writeFile(file, 'role mended {\n    allow list on api:/loans\n}\n');
  await go(page, '#/policy');
  await page.getByRole('button', { name: 'Reload the policy' }).click();
  await said(page, 'The policy is reloaded');
  await main(page).getByText('accepted', { exact: true }).first().waitFor();
  expect_problem(page, /422/);
  // The refused attempt is still there, with its diagnostics.
  const attempts = main(page).locator('.attempts > li');
  await attempts.filter({ hasText: 'accepted' }).filter({ hasNotText: 'the daemon started' }).first().waitFor();
  const refused = attempts.filter({ hasText: 'refused' }).first();
  await refused.getByText('What was wrong').click();
  await refused.getByText(/raed/).first().waitFor();
  await refused.getByRole('link', { name: 'broken.policy:2' }).first().waitFor();
  await attempts.last().getByText('the daemon started').waitFor();
  await attempts.first().getByText('Last load').waitFor();
  assert.equal(await main(page).getByText('The daemon keeps deciding').count(), 0);
});

test('what is missing from the policy is called so in lists and on the pages of a key and a role', async (t) => {
  const file = join(POLICY, 'later.policy');

  await writeFile(file, 'facts {\n    principal.grade int\n}\nrole later {\n    allow list on api:/loans\n}\n');
  await call('policy.reload');
  await call('principals.create', { id: 'pupil', attributes: { grade: '5' } });
  await call('roles.create', { name: 'heir', inherits: ['later'] });
  const { id } = await call('keys.create', { roles: ['get-only', 'later'], name: 'orphan' });
  await writeFile(file, 'facts {\n    principal.grade bool\n}\n');
  await call('policy.reload');

  const page = await sign_in(t, browser);
  await go(page, '#/keys');
  await page.getByLabel('More', { exact: true }).selectOption({ label: 'names what is missing from the policy' });
  await main(page).getByText(/^1 of [0-9]+ keys$/).waitFor();
  await main(page).getByLabel('It names what is missing from the policy').waitFor();
  await go(page, `#/keys/${id}`);
  await main(page).getByText('It names what is missing from the policy:').waitFor();
  await go(page, '#/roles');
  await main(page).getByText('1 missing', { exact: true }).waitFor();
  await page.getByLabel('More', { exact: true }).selectOption({ label: 'names what is missing from the policy' });
  await main(page).getByText(/^1 of [0-9]+ roles$/).waitFor();
  await go(page, '#/people');
  await page.getByLabel('More', { exact: true }).selectOption({ label: 'an attribute of the wrong type' });
  await main(page).getByText(/^1 of [0-9]+ principals$/).waitFor();
  await main(page).getByRole('link', { name: 'pupil' }).waitFor();
  await go(page, '#/roles/heir');
  await main(page).getByText('This role names what is missing from the policy:').waitFor();
  await settled(page);
  assert.equal(await main(page).getByText('you may not read').count(), 0);
  await rm(file);
  await call('policy.reload');
  expect_problem(page, /404/);
});

test('the tree, the matrix, the tests with their coverage, and the files of the policy are there', async (t) => {
  const page = await sign_in(t, browser);

  await go(page, '#/policy');
  for (const [tab, text] of [['Tree', 'payments'], ['Matrix', 'collections'], ['Tests', 'a deny overrides every allow'], ['Files', 'roles.policy']]) {
    await page.getByRole('tab', { name: tab }).click();
    await settled(page);
    await main(page).getByText(text).first().waitFor();
  }
  await page.getByRole('tab', { name: 'Files' }).press('ArrowLeft');
  assert.equal(await page.getByRole('tab', { name: 'Tests' }).getAttribute('aria-selected'), 'true');
});

test('the trail is narrowed, read further, and verified', async (t) => {
  await control('calls', Array.from({ length: 120 }, (_, i) => [i % 2 ? 'keys.enable' : 'keys.disable', { id: ids.roles }]));
  const page = await sign_in(t, browser);
  const records = main(page).locator('.records > li');

  await go(page, '#/trail');
  assert.equal(await records.count(), 100);
  await page.getByRole('button', { name: 'Show older ones' }).click();
  await main(page).getByText('created principal').first().waitFor();
  assert(await records.count() > 120);
  // A record is a sentence: what was assigned to whom; of what is new the values alone.
  await records.filter({ hasText: 'root assigned get-only to crm' }).waitFor();
  const made = records.filter({ hasText: 'root created key' });
  assert(await made.count() > 0);
  assert.equal(await made.locator('del').count(), 0);
  await page.getByLabel('About', { exact: true }).selectOption('principal');
  await page.getByLabel('Which one').fill('alice');
  await main(page).getByText('created principal').first().waitFor();
  await page.waitForFunction(() => [...document.querySelectorAll('.records > li .line')].every((line) => line.textContent.includes('alice')));
  assert.match(page.url(), /kind=principal&target=alice/);
  await page.getByLabel('About', { exact: true }).selectOption('key');
  await page.getByLabel('Which one').fill(ids.alice);
  await main(page).getByText('created key').first().waitFor();
  await page.waitForFunction(() => document.querySelectorAll('.records > li').length === 1);
  // A name as the rows show it.
  await page.getByLabel('By', { exact: true }).fill('root');
  await page.waitForFunction(() => document.querySelectorAll('.records > li').length === 1 && document.querySelector('.records').textContent.includes('root created key'));
  await page.getByLabel('By', { exact: true }).fill('key:nobody');
  await main(page).getByText('Nothing is recorded that fits.').or(page.locator('[aria-invalid="true"]')).first().waitFor();
  await page.getByRole('button', { name: 'Verify the trail' }).click();
  await main(page).getByText('nothing was altered').waitFor();
  page.allowed.push(/400|404/);
});

test('what takes long says that the daemon is away long before its two minutes are over, and comes by itself when it is back', async (t) => {
  const page = await sign_in(t, browser);

  await control('stop');
  await go(page, '#/use');
  const found = main(page).locator('section').filter({ has: page.getByRole('heading', { name: 'Keys to look at' }) });
  // The console gives up such a call after two minutes.
  await found.getByRole('alert').waitFor({ timeout: 60_000 });
  await found.getByText('Is authzd running?').waitFor();
  await control('start');
  await found.getByText('Never used').first().waitFor();
  assert.equal(await found.getByRole('alert').count(), 0);
  expect_problem(page, /503/);
});

test('use shows decisions, denials by their reason, and keys that nobody uses', async (t) => {
  const page = await sign_in(t, browser);

  await tool('check', '--token', tokens.alice, 'DELETE', '/loans/9').catch(() => null);
  await go(page, '#/use');
  await main(page).getByText('decisions a second', { exact: true }).waitFor();
  const share = main(page).getByRole('meter', { name: 'role', exact: true });
  await share.waitFor();
  assert.match(await share.getAttribute('aria-valuetext'), /^[\d,]+ of [\d,]+$/);
  await main(page).getByText('Never used', { exact: true }).or(main(page).getByText(/^\d+ Never used$/)).first().waitFor();
  // The plots begin with the second look at the status.
  await main(page).locator('.uplot').first().waitFor();
  // A canvas draws what it cannot read in black.
  const [drawn, black] = await main(page).locator('.uplot canvas').first().evaluate((canvas) => {
    const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
    const seen = Array.from({ length: data.length / 4 }, (_, i) => data.slice(4 * i, 4 * i + 4)).filter(([, , , alpha]) => alpha === 255);
    return [seen.length, seen.filter(([red, green, blue]) => red + green + blue === 0).length];
  });
  assert(drawn > 0, 'nothing is drawn');
  assert.equal(black, 0);
});

test('a key that one host of a shared store refuses by a mark is shown as such', async (t) => {
  const page = await sign_in(t, browser);
  const marked = (key) => key.id === ids.alice ? { ...key, marked: 'revoked' } : key;
  const shared = { on: true, host: 'desk-1', connected: false, problem: 'the database is away', applied: 7, head: 7, lag_ms: 12, hosts: 1, marks: 1 };
  const host = { name: 'desk-1', instance: '0'.repeat(32), this: true, applied: 7, lacks: 0, seen_at: 1, state: 'live', revision: '0'.repeat(16), version: '0.1.0' };
  // The daemon of the test has a store of its own: what a shared one adds is put into its answers.
  await page.route('**/console/call', async (route) => {
    const { method } = route.request().postDataJSON();
    if (method === 'hosts.list') {
      await route.fulfill({ json: { result: { items: [host], head: 7 } } });
      return;
    }
    const answer = await route.fetch();
    const { result } = await answer.json();
    const put = { 'keys.list': () => ({ ...result, items: result.items.map(marked) }), 'keys.get': () => marked(result), status: () => ({ ...result, shared }) }[method];
    await route.fulfill({ response: answer, ...(put && result ? { json: { result: put() } } : {}) });
  });

  await go(page, '#/use');
  await main(page).getByText('Refused here alone').waitFor();
  await main(page).getByRole('columnheader', { name: 'Action' }).waitFor();
  await main(page).getByRole('link', { name: '1 key', exact: true }).click();
  await main(page).getByText('revoked here', { exact: true }).waitFor();
  await main(page).getByText(/^1 of [0-9]+ keys$/).waitFor();
  await shoot(page, 'a key with a mark');
  await main(page).getByRole('link', { name: 'laptop' }).click();
  await main(page).getByText('It is revoked here, on this host alone.').waitFor();
  await settled(page);
  await page.unrouteAll({ behavior: 'wait' });
});
