// SPDX-License-Identifier: Apache-2.0
// The console in a browser: starts `authzcheck console` at the daemon of the test, and Chromium; and makes the people,
// roles and keys that the tests look at.

import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import { chromium } from 'playwright-core';

const run = promisify(execFile);

export const SOCKET = process.env.AUTHZ_TEST_SOCKET;
export const TOOL = process.env.AUTHZ_TEST_TOOL;

// Where each page is, by its heading.
export const PAGES = { Keys: '#/keys', 'People and services': '#/people', Roles: '#/roles', Try: '#/try', Policy: '#/policy', Trail: '#/trail', Use: '#/use' };

// Runs authzcheck, and gives what it printed. A secret is printed alone.
export async function tool(...words) {
  return (await run(TOOL, ['--socket', SOCKET, ...words])).stdout.trim();
}

export async function json(...words) {
  return JSON.parse(await tool('--json', ...words));
}

// Some of everything that a page shows.
export async function people() {
  await tool('principal', 'create', 'alice', '--name', 'Alice Archer');
  await tool('principal', 'create', 'bob', '--name', 'Bob Baker');
  await tool('principal', 'create', 'crm', '--kind', 'service', '--name', 'CRM sync');
  await tool('assign', 'alice', 'collections');
  await tool('assign', 'alice', 'servicing', '--at', 'api:/loans/7');
  await tool('assign', 'bob', 'tenant-admin');
  await tool('assign', 'crm', 'get-only');
  await tool('role', 'create', 'night-desk', '--description', 'Reads at night', '--grant', 'allow GET on api:/**');
  const tokens = {
    alice: await tool('key', 'create', '--principal', 'alice', '--name', 'laptop', '--label', 'desk', '--expires-in', '90d'),
    crm: await tool('key', 'create', '--principal', 'crm', '--name', 'production', '--rotate-every', '90d'),
    bob: await tool('key', 'create', '--principal', 'bob', '--name', 'admin'),
    roles: await tool('key', 'create', '--role', 'get-only', '--name', 'reader'),
  };
  const { items } = await json('key', 'list');
  const ids = Object.fromEntries(items.map((key) => [key.principal || 'roles', key.id]));
  for (const path of ['/loans/7', '/loans/8']) {
    await tool('check', '--token', tokens.alice, 'GET', path);
    await tool('check', '--token', tokens.alice, 'DELETE', path).catch((denied) => assert.equal(denied.code, 1));
  }
  return { tokens, ids };
}

// Starts `authzcheck console`, which ends with the test. link() gives a link that no browser had.
export async function serve(t, ...words) {
  const child = spawn(TOOL, ['--socket', SOCKET, 'console', '--no-browser', ...words], { stdio: ['pipe', 'pipe', 'inherit'] });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const ended = new Promise((resolve) => {
    child.on('exit', resolve);
  });
  const find_link = async () => {
    for (;;) {
      const { value, done } = await lines.next();
      assert(!done, 'authzcheck console ended before it printed a link');
      const found = /http:\/\/\S+/.exec(value);
      if (found) {
        return found[0];
      }
    }
  };
  t.after(async () => {
    child.kill('SIGTERM');
    await ended;
  });
  const link = await find_link();
  return { link, origin: new URL(link).origin, pid: child.pid, child, ended };
}

// The browser of a file of tests, as `t.after` of its last one closes it.
export async function browse(t, ...words) {
  const browser = await chromium.launch({ executablePath: process.env.AUTHZ_TEST_CHROMIUM, args: ['--no-sandbox', ...words] });
  t.after(() => browser.close());
  return browser;
}

// A page that signed in with the link. What it logs as an error, an exception, a request to elsewhere, and what its
// Content Security Policy refuses, are `problems`; the test fails if there is one that it did not take out.
export async function visit(t, browser, link, { width = 1280, height = 900, scheme = 'light', ...options } = {}) {
  const context = await browser.newContext({ viewport: { width, height }, colorScheme: scheme, ...options });
  const page = await context.newPage();
  const problems = [];
  const { origin } = new URL(link);
  page.on('console', (message) => message.type() === 'error' && problems.push(message.text()));
  page.on('pageerror', (error) => problems.push(error.message));
  page.on('request', (request) => {
    const url = new URL(request.url());
    if (!['data:', 'blob:'].includes(url.protocol) && url.origin !== origin) {
      problems.push(`asked for ${request.url()}`);
    }
  });
  await page.goto(link);
  await page.getByRole('navigation').waitFor();
  t.after(async () => {
    await context.close();
    assert.deepEqual(problems, []);
  });
  return Object.assign(page, { problems });
}

// Goes to a page of the console, and waits until it has loaded what it shows.
export async function go(page, hash) {
  await page.evaluate((to) => {
    location.hash = to;
  }, hash);
  await page.getByRole('heading', { level: 1 }).waitFor();
  await settled(page);
}

// Nothing is being loaded any more.
export async function settled(page) {
  await page.waitForFunction(() => !document.querySelector('.loading, [aria-busy="true"]'));
}
