// SPDX-License-Identifier: Apache-2.0
// The console in a browser: starts `authzcheck console` at the daemon of the test, and Chromium; and makes the people,
// roles and keys that the tests look at.

import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { request } from 'node:http';
import { createRequire } from 'node:module';
import { createInterface } from 'node:readline';
import { after } from 'node:test';
import { promisify } from 'node:util';
import { chromium } from 'playwright-core';

const run = promisify(execFile);

export const SOCKET = process.env.AUTHZ_TEST_SOCKET;
export const TOOL = process.env.AUTHZ_TEST_TOOL;
export const POLICY = process.env.AUTHZ_TEST_POLICY;

// Milliseconds after which something hangs; no test depends on how fast the machine is.
const HANG = 180_000;

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

// Where each page is, by its heading.
export const PAGES = { Keys: '#/keys', 'People and services': '#/people', Roles: '#/roles', Try: '#/try', Policy: '#/policy', Trail: '#/trail', Use: '#/use' };

// Asks who started the daemon: 'stop', 'start', or 'calls' of [[method, parameters], …] as root.
export function control(word, body = []) {
  return new Promise((resolve, reject) => {
    const sent = request({ socketPath: process.env.AUTHZ_TEST_CONTROL, path: `/${word}`, method: 'POST' }, (answer) => {
      let text = '';
      answer.setEncoding('utf8').on('data', (part) => { text += part; }).on('end', () => resolve(JSON.parse(text)));
    });
    const text = JSON.stringify(body);
    sent.on('error', reject);
    sent.setHeader('Content-Length', Buffer.byteLength(text));
    sent.end(text);
  });
}

// One call of the daemon as root; throws what it refuses.
export async function call(method, params = {}) {
  const [answer] = await control('calls', [[method, params]]);
  assert.notEqual(typeof answer, 'string', `${method}: ${answer}`);
  return answer;
}

// Runs authzcheck, and gives what it printed. A secret is printed alone.
export async function tool(...words) {
  return (await run(TOOL, ['--socket', SOCKET, '--timeout', '100s', ...words])).stdout.trim();
}

export async function json(...words) {
  return JSON.parse(await tool('--json', ...words));
}

// Is a request with this token allowed?
export async function is_allowed(token, method = 'GET', path = '/loans/7') {
  try {
    await tool('check', '--token', token, method, path);
    return true;
  } catch (denied) {
    assert.equal(denied.code, 1, denied.stderr);
    return false;
  }
}

// Some of everything that a page shows: {tokens, ids}.
export async function people() {
  await control('calls', [
    ['principals.create', { id: 'alice', name: 'Alice Archer' }],
    ['principals.create', { id: 'bob', name: 'Bob Baker' }],
    ['principals.create', { id: 'crm', kind: 'service', name: 'CRM sync' }],
    ['assignments.create', { principal: 'alice', role: 'collections' }],
    ['assignments.create', { principal: 'alice', role: 'servicing', at: ['api:/loans/7'] }],
    ['assignments.create', { principal: 'bob', role: 'tenant-admin' }],
    ['assignments.create', { principal: 'crm', role: 'get-only' }],
    ['roles.create', { name: 'night-desk', description: 'Reads at night', grants: ['allow GET on api:/**'] }],
  ]);
  const keys = {
    alice: await call('keys.create', { principal: 'alice', name: 'laptop', label: 'desk', expires_in: 90 * 86400 }),
    crm: await call('keys.create', { principal: 'crm', name: 'production', rotate_every: 90 * 86400 }),
    bob: await call('keys.create', { principal: 'bob', name: 'admin' }),
    roles: await call('keys.create', { roles: ['get-only'], name: 'reader' }),
  };
  const each = (field) => Object.fromEntries(Object.entries(keys).map(([name, key]) => [name, key[field]]));
  for (const path of ['/loans/7', '/loans/8']) {
    await control('calls', ['GET', 'DELETE'].map((method) => ['authorize', { token: keys.alice.secret, method, path }]));
  }
  return { tokens: each('secret'), ids: each('id') };
}

// What a test has begun ends in the other order: a page before the program that serves it.
const begun = new WeakMap();

function finally_do(t, end) {
  if (!begun.has(t)) {
    begun.set(t, []);
    t.after(async () => {
      const wrong = [];
      for (const one of begun.get(t).reverse()) {
        await one().catch((error) => wrong.push(error));
      }
      if (wrong.length > 0) {
        throw wrong[0];
      }
    });
  }
  begun.get(t).push(end);
}

// A program that ends with the test.
export function begin(t, command, words, options = {}) {
  const child = spawn(command, words, { stdio: ['pipe', 'pipe', 'inherit'], ...options });
  const ended = new Promise((resolve) => {
    child.on('exit', resolve);
  });
  finally_do(t, async () => {
    child.kill('SIGTERM');
    await ended;
  });
  return { child, ended };
}

// Starts `authzcheck console`, which ends with the test: {link, origin, pid, child, ended}.
export async function serve(t, ...words) {
  const { child, ended } = begin(t, TOOL, ['--socket', SOCKET, '--timeout', '100s', 'console', '--no-browser', ...words]);
  for await (const line of createInterface({ input: child.stdout })) {
    const found = /http:\/\/\S+/.exec(line);
    if (found) {
      child.stdout.resume();
      return { link: found[0], origin: new URL(found[0]).origin, pid: child.pid, child, ended };
    }
  }
  throw new Error('authzcheck console ended before it printed a link');
}

// The browser of a file of tests, which ends with them, or with a test that is given first.
export async function browse(...given) {
  const of = typeof given[0] === 'object' ? given[0] : { after };
  const words = given.filter((word) => typeof word === 'string');
  const browser = await chromium.launch({ executablePath: process.env.AUTHZ_TEST_CHROMIUM, args: ['--no-sandbox', ...words], timeout: HANG });
  of.after(() => browser.close());
  return browser;
}

// A page that signed in with the link. What it logs as an error, an exception, a request to elsewhere, and what its
// Content Security Policy refuses, are `problems`; the test fails if there is one that is like none of
// `allowed`, and that `expect_problem` did not take out.
export async function visit(t, browser, link, { width = 1280, height = 900, scheme = 'light', ...options } = {}) {
  const context = await browser.newContext({ viewport: { width, height }, colorScheme: scheme, reducedMotion: 'reduce', ...options });
  context.setDefaultTimeout(HANG);
  const page = await context.newPage();
  const problems = [], allowed = [];
  const { origin } = new URL(link);
  page.on('console', (message) => message.type() === 'error' && problems.push(message.text()));
  page.on('pageerror', (error) => problems.push(error.message));
  page.on('request', (asked) => {
    const url = new URL(asked.url());
    if (!['data:', 'blob:'].includes(url.protocol) && url.origin !== origin) {
      problems.push(`asked for ${asked.url()}`);
    }
  });
  await page.goto(link);
  await page.getByRole('navigation').or(page.locator('main.signin')).first().waitFor();
  finally_do(t, async () => {
    await context.close();
    assert.deepEqual(problems.filter((text) => !allowed.some((like) => like.test(text))), []);
  });
  return Object.assign(page, { problems, allowed });
}

// A page of a console of its own.
export async function sign_in(t, browser, options = {}, ...words) {
  const { link } = await serve(t, ...words);
  return await visit(t, browser, link, options);
}

// Takes out the problems that are like this, of which there must be one.
export function expect_problem(page, like) {
  const others = page.problems.filter((text) => !like.test(text));
  assert(others.length < page.problems.length, `no problem is like ${like}`);
  page.problems.splice(0, page.problems.length, ...others);
}

// Goes to a page of the console, and waits until it has loaded what it shows.
export async function go(page, hash) {
  const editor = await page.$('main .steps');
  const is_elsewhere = new URL(page.url()).hash !== hash;
  const asks = () => page.getByRole('dialog').getByText('Leave without saving?');

  await page.evaluate((to) => new Promise((resolve) => {
    if (location.hash === to) {
      resolve();
      return;
    }
    addEventListener('hashchange', () => requestAnimationFrame(() => requestAnimationFrame(resolve)), { once: true });
    location.hash = to;
  }), hash);
  // What is being edited is kept until one says that it may be lost.
  if (editor !== null && is_elsewhere) {
    await page.waitForFunction((left) => !left.isConnected || document.querySelector('dialog[open]'), editor);
  }
  if (editor !== null && await asks().isVisible()) {
    await page.getByRole('dialog').getByRole('button', { name: 'Leave', exact: true }).click();
    await page.waitForFunction((left) => !left.isConnected, editor);
  }
  await page.getByRole('heading', { level: 1 }).waitFor();
  await settled(page);
}

// Nothing is being loaded any more.
export async function settled(page) {
  await page.waitForFunction(() => !document.querySelector('.loading, [aria-busy="true"]'));
}

// What axe-core calls serious in a part of the page: [[rule, HTML of some elements], …].
export async function serious(page, part) {
  if (!await page.evaluate(() => globalThis.axe !== undefined)) {
    await page.evaluate(AXE);
  }
  const { violations } = await page.evaluate((within) => globalThis.axe.run(within, { resultTypes: ['violations'] }), part);
  return violations.filter(({ impact }) => ['serious', 'critical'].includes(impact))
    .map(({ id, nodes }) => [id, nodes.slice(0, 3).map(({ html }) => html.slice(0, 200))]);
}

// Waits until the condition, which may be a promise, is true.
export async function until(condition, what) {
  const end = Date.now() + HANG;
  while (!await condition()) {
    assert(Date.now() < end, `not in time: ${what}`);
    await new Promise((resolve) => {
      setTimeout(resolve, 20);
    });
  }
}

// What the console says at the bottom for some seconds.
export function said(page, text) {
  return page.locator('.toast').filter({ hasText: text }).first().waitFor();
}

// A picture for those who look, if they asked for some.
export async function shoot(page, name) {
  if (process.env.AUTHZ_TEST_SHOTS) {
    await page.screenshot({ path: `${process.env.AUTHZ_TEST_SHOTS}/${name.replaceAll(' ', '-')}.png` });
  }
}
