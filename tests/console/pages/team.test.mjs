// SPDX-License-Identifier: Apache-2.0
// authz-http with `console on` after nginx: who is asked for a key, whom nginx knows, and what each one may do.

import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { mkdir, rename, writeFile } from 'node:fs/promises';
import { connect, createServer } from 'node:net';
import { dirname, join } from 'node:path';
import test from 'node:test';
import { begin, browse, call, control, expect_problem, go, people, POLICY, settled, SOCKET, until, visit } from './console.mjs';

const NGINX = '/usr/sbin/nginx';
const folder = dirname(SOCKET);
const { ids } = await people();
await writeFile(join(folder, 'roles'), `role keeper {\n    allow all on authz:/keys/**\n    allow list, read on authz:/principals/**\n    allow GET on api:/loans\n}
role watcher {\n    allow list, read on authz:/keys/**\n}\n`);
await rename(join(folder, 'roles'), join(POLICY, 'team.policy'));
await call('policy.reload');
const secrets = {};
for (const [name, role] of [['keeper', 'keeper'], ['watcher', 'watcher'], ['nobody', undefined]]) {
  await call('principals.create', { id: name });
  if (role) {
    await call('assignments.create', { principal: name, role });
  }
  secrets[name] = (await call('keys.create', { principal: name, name: `key of ${name}` })).secret;
}
const browser = await browse();
const navigation = async (page) => (await page.getByRole('navigation').getByRole('link').allInnerTexts()).slice(1);

function free_port() {
  return new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });
}

const listens = (address) => new Promise((resolve) => {
  const probe = connect(address, () => {
    probe.destroy();
    resolve(true);
  });
  probe.on('error', () => resolve(false));
});

// nginx, with these lines for the console, and authz-http; gives the address for browsers.
async function start(t, name, lines, ...conf) {
  const port = await free_port();
  const here = join(folder, name);
  const origin = `http://127.0.0.1:${port}`;

  await mkdir(here);
  await writeFile(join(here, 'http.conf'), [`authz ${SOCKET}`, `listen ${here}/http.sock 0600`, 'timeout 60s', 'console on', `console_origin ${origin}`, ...conf, ''].join('\n'));
  await writeFile(join(here, 'users'), 'keeper:{PLAIN}pass\nnobody:{PLAIN}pass\n');
  await writeFile(join(here, 'nginx.conf'), `${process.geteuid() === 0 ? 'user root;' : ''}
daemon off; worker_processes 1; error_log ${here}/nginx.log; pid ${here}/nginx.pid; events { }
http { access_log off; ${['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((one) => `${one}_temp_path ${here}/${one};`).join(' ')}
server { listen 127.0.0.1:${port}; location /console/ { proxy_pass http://unix:${here}/http.sock; proxy_set_header Host $http_host; ${lines} } } }`);
  begin(t, process.env.AUTHZ_TEST_HTTP, ['--config', join(here, 'http.conf')]);
  begin(t, NGINX, ['-p', here, '-c', join(here, 'nginx.conf'), '-e', join(here, 'nginx.log')]);
  await until(async () => await listens({ path: join(here, 'http.sock') }) && await listens({ port, host: '127.0.0.1' }), 'nginx and authz-http');
  return origin;
}

const options = { skip: existsSync(NGINX) ? false : 'nginx is missing, which tools/setup installs' };

test('who signs in with a key may what that key may, and the key is in the page’s memory alone', options, async (t) => {
  const origin = await start(t, 'keys', '');
  const page = await visit(t, browser, `${origin}/console/`);
  const field = page.getByLabel('Your key');

  await field.fill('lp_live_wrong');
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.getByText('the token is not accepted').waitFor();
  await field.fill(secrets.watcher);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.getByRole('link', { name: 'laptop' }).waitFor();
  assert.deepEqual(await navigation(page), ['Keys', 'Use']);
  assert.equal(await page.getByRole('button', { name: 'New key' }).count(), 0);
  assert.equal(await page.getByRole('switch', { disabled: false }).count(), 0);
  // The page's own calls, made by hand with what it has, are refused too: nothing that it hides is allowed.
  const statuses = await page.evaluate(async ([key, id]) => {
    const ask = async (method, params, headers = { Authorization: `Bearer ${key}` }) => (await fetch('call', { method: 'POST', headers: { 'Content-Type': 'application/json', ...headers }, body: JSON.stringify({ method, params }) })).status;
    return [await ask('keys.list', {}), await ask('keys.list', {}, {}), await ask('keys.disable', { id }), await ask('keys.create', { roles: ['get-only'] }), await ask('principals.create', { id: 'x' }),
      await ask('policy.reload', {}), await ask('status', {}), await ask('keys.list', { impersonate: 'bob' }), await ask('keys.list', { token: key }), await ask('folder.files', {})];
  }, [secrets.watcher, ids.alice]);
  assert.deepEqual(statuses, [200, 401, 403, 403, 403, 403, 403, 400, 400, 404]);
  assert.deepEqual(await page.evaluate(() => [{ ...localStorage }, { ...sessionStorage }, document.cookie]), [{}, {}, '']);
  assert(!await page.evaluate((text) => document.documentElement.outerHTML.includes(text), secrets.watcher));
  page.allowed.push(/40[0134]/);
  await page.reload();
  await field.waitFor();
  expect_problem(page, /401/);
  await field.fill(secrets.nobody);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.getByRole('navigation').waitFor();
  assert.deepEqual(await navigation(page), []);
  page.allowed.push(/403/);
});

test('an ordinary operator makes keys, but none with rights beyond its own', options, async (t) => {
  const origin = await start(t, 'added', `proxy_set_header Authorization "Bearer ${secrets.keeper}";`);
  const page = await visit(t, browser, `${origin}/console/`);
  const dialog = page.getByRole('dialog');

  // nginx adds the key: nobody is asked for one.
  await page.getByRole('button', { name: 'New key' }).waitFor();
  assert.deepEqual(await navigation(page), ['Keys', 'People and services', 'Use']);
  const before = (await call('keys.list')).items.length;
  const answers = await page.evaluate(async (calls) => Promise.all(calls.map(async ([method, params]) => {
    const answer = await fetch('call', { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify({ method, params }) });
    return answer.status;
  })), [['keys.create', { principal: 'bob' }], ['keys.create', { roles: ['tenant-admin'] }], ['keys.create', { roles: ['servicing'] }], ['assignments.create', { principal: 'keeper', role: 'tenant-admin' }],
    ['roles.create', { name: 'mine', grants: ['allow all on authz:/**'] }], ['keys.rotate', { id: ids.bob }]]);
  assert(answers.every((status) => [400, 403].includes(status)), answers.join());
  assert.equal((await call('keys.list')).items.length, before);
  page.problems.splice(0);
  await page.getByRole('button', { name: 'New key' }).click();
  await dialog.getByLabel('Name', { exact: true }).fill('own');
  await dialog.getByRole('combobox', { name: 'Principal' }).fill('keeper');
  await page.keyboard.press('Enter');
  await dialog.getByRole('button', { name: 'Create', exact: true }).click();
  await dialog.getByLabel('The secret', { exact: true }).waitFor();
  await dialog.getByRole('button', { name: 'I have kept it' }).click();
  const { items } = await call('keys.list', { principal: 'keeper' });
  assert.deepEqual(items.map(({ name }) => name).sort(), ['key of keeper', 'own']);
  assert.match(items.find(({ name }) => name === 'own').created_by, /^(key|principal):/);
  await go(page, `#/keys/${ids.bob}`);
  await settled(page);
  page.allowed.push(/403/);
});

test('whom nginx has authenticated is that principal, whatever the browser says', options, async (t) => {
  const origin = await start(t, 'identity', `auth_basic "console"; auth_basic_user_file users; proxy_set_header X-Remote-User $remote_user; proxy_set_header Authorization "";`, 'identity header X-Remote-User');
  const page = await visit(t, browser, `${origin}/console/`, { httpCredentials: { username: 'keeper', password: 'pass' }, extraHTTPHeaders: { 'X-Remote-User': 'bob' } });

  await page.getByTitle('principal:keeper').waitFor();
  await page.getByRole('link', { name: 'laptop' }).waitFor();
  const few = await visit(t, browser, `${origin}/console/`, { httpCredentials: { username: 'nobody', password: 'pass' } });
  await few.getByTitle('principal:nobody').waitFor();
  assert.deepEqual(await navigation(few), []);
  few.allowed.push(/40[13]/);
  const stranger = await fetch(`${origin}/console/session`, { headers: { 'X-Remote-User': 'keeper' } });
  assert.equal(stranger.status, 401);
  await control('calls', [['principals.disable', { id: 'keeper' }]]);
  await page.reload();
  await page.getByText(/not accepted|sign in/i).first().waitFor();
  assert.equal(await page.getByRole('navigation').count(), 0);
  page.allowed.push(/40[13]/);
});
