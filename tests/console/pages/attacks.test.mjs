// SPDX-License-Identifier: Apache-2.0
// Other pages, other users, stolen links and cookies: nothing is changed by them, and no secret stays where they find it.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { createServer } from 'node:http';
import test from 'node:test';
import { promisify } from 'node:util';
import { browse, call, go, people, serve, settled, until, visit } from './console.mjs';

const run = promisify(execFile);
const { ids } = await people();
// A name that an attacker has pointed at this machine.
const browser = await browse('--host-resolver-rules=MAP evil.example 127.0.0.1');
const STATE = ['keys.list', 'principals.list', 'roles.list', 'assignments.list'];

async function state() {
  const all = await Promise.all(STATE.map((method) => call(method, method === 'assignments.list' ? { principal: 'alice' } : {})));
  return JSON.stringify(all.map(({ items }) => items));
}

// A page of another origin, in the browser that is signed in: a port of the same host shares its cookies.
async function other_page(t, context, html, host = '127.0.0.1') {
  const server = createServer((_, answer) => answer.writeHead(200, { 'Content-Type': 'text/html' }).end(`<!doctype html><title>x</title>${html}`));
  await new Promise((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  t.after(() => server.close());
  const page = await context.newPage();
  await page.goto(`http://${host}:${server.address().port}/`);
  return page;
}

test('a page of another origin changes and reads nothing: by fetch, by a form, by an image', async (t) => {
  const { link, origin } = await serve(t);
  const page = await visit(t, browser, link);
  const evil = await other_page(t, page.context(), '');
  const before = await state();

  const answers = await evil.evaluate(async ([to, id]) => {
    const body = JSON.stringify({ method: 'keys.revoke', params: { id } });
    const outcomes = [];
    for (const credentials of ['omit', 'include']) {
      for (const mode of ['cors', 'no-cors']) {
        for (const type of ['application/json', 'text/plain', 'application/x-www-form-urlencoded', undefined]) {
          for (const [verb, path] of [['POST', 'call'], ['POST', 'session'], ['DELETE', 'session'], ['GET', 'session'], ['GET', '']]) {
            outcomes.push(await fetch(`${to}/console/${path}`, { method: verb, mode, credentials, headers: type ? { 'Content-Type': type } : {}, body: verb === 'POST' ? body : undefined })
              .then(async (answer) => `${answer.type} ${answer.status} ${await answer.text()}`, () => 'refused'));
          }
        }
      }
    }
    return [...new Set(outcomes)];
  }, [origin, ids.alice]);
  assert(answers.every((text) => ['refused', 'opaque 0 '].includes(text)), answers.join('\n'));

  for (const type of ['application/x-www-form-urlencoded', 'text/plain', 'multipart/form-data']) {
    const form = await other_page(t, page.context(), `<form method="post" enctype="${type}" action="${origin}/console/call">
      <input name='{"method":"keys.revoke","params":{"id":"${ids.alice}"},"x":"' value='"}'></form>`);
    const [answer] = await Promise.all([form.waitForResponse(`${origin}/console/call`), form.evaluate(() => document.forms[0].submit())]);
    assert([400, 401, 403].includes(answer.status()), `${type}: ${answer.status()}`);
  }
  const image = await other_page(t, page.context(), `<img src="${origin}/console/call?method=keys.revoke&id=${ids.alice}"><img src="${origin}/console/session"><script src="${origin}/console/session"></script>`);
  assert.deepEqual(await image.evaluate(() => [...document.images].map(({ naturalWidth }) => naturalWidth)), [0, 0]);

  assert.equal(await state(), before);
  await page.reload();
  await page.getByRole('navigation').waitFor();
  assert.equal(await page.getByRole('navigation').count(), 1, 'the session is still there');
});

test('a name that was pointed at this machine gets nothing', async (t) => {
  const { link, origin } = await serve(t);
  const ticket = new URL(link).hash.slice(1);
  const page = await (await browser.newContext()).newPage();
  const there = origin.replace('127.0.0.1', 'evil.example');

  t.after(() => page.context().close());
  const answer = await page.goto(`${there}/console/`);
  assert.equal(answer.status(), 403);
  assert(!(await page.content()).includes('<script'));
  // The policy of the refusal forbids all that a script may ask for; a page of the attacker's own server has none.
  const evil = await other_page(t, page.context(), '', 'evil.example');
  const answers = await evil.evaluate(async ([to, text]) => {
    const post = (path, body) => fetch(`${to}/console/${path}`, { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(body) });
    return Promise.all([fetch(`${to}/console/session`), post('session', { ticket: text }), post('call', { method: 'keys.list' })].map((asked) => asked.then(({ status }) => status, () => 'refused')));
  }, [there, ticket]);
  assert.deepEqual(answers, ['refused', 'refused', 'refused']);
  // The link was not used up by it.
  await visit(t, browser, link);
});

test('the console is in no frame of another page', async (t) => {
  const { link, origin } = await serve(t);
  const page = await visit(t, browser, link);
  const evil = await other_page(t, page.context(), `<iframe src="${origin}/console/"></iframe><object data="${origin}/console/"></object><embed src="${origin}/console/">`);

  await evil.waitForLoadState('load');
  for (const frame of evil.frames().slice(1)) {
    assert(!frame.url().startsWith(origin), frame.url());
    assert.equal(await frame.locator('nav').count().catch(() => 0), 0);
  }
  const [opened] = await Promise.all([page.context().waitForEvent('page'), evil.evaluate((to) => {
    globalThis.other = open(`${to}/console/`);
  }, origin)]);
  await opened.getByRole('navigation').first().waitFor();
  await until(() => evil.evaluate(() => globalThis.other.closed), 'what opened the console has no hold of it');
});

test('a cookie that another user has stolen is refused', async (t) => {
  if (process.geteuid() !== 0) {
    t.skip('only root runs a program as another user');
    return;
  }
  const { link, origin } = await serve(t);
  const page = await visit(t, browser, link);
  const [{ name, value }] = await page.context().cookies();
  const ask = async (...prefix) => (await run(prefix[0] ?? 'curl', [...prefix.slice(1), ...(prefix.length ? ['curl'] : []), '-s', '-o', '/dev/null', '-w', '%{http_code}', '-H', `Cookie: ${name}=${value}`, '-H', `Origin: ${origin}`,
    '-H', 'Content-Type: application/json', '-d', '{"method":"keys.list"}', `${origin}/console/call`])).stdout;

  assert.equal(await ask(), '200');
  assert.equal(await ask('setpriv', '--reuid=65534', '--regid=65534', '--clear-groups'), '403');
});

test('the page’s headers let nothing in, and nothing is kept by a cache', async (t) => {
  const { link, origin } = await serve(t);
  const answers = [];
  const page = await visit(t, browser, link);
  page.on('response', (answer) => answers.push(answer));

  await page.goto(`${origin}/console/`);
  await settled(page);
  assert(answers.length >= 3);
  for (const answer of answers) {
    const headers = await answer.allHeaders();
    assert.equal(headers['cache-control'], 'no-store', answer.url());
    assert.equal(headers['x-content-type-options'], 'nosniff');
    assert.equal(headers['x-frame-options'], 'DENY');
    assert.equal(headers['referrer-policy'], 'no-referrer');
    assert.equal(headers['access-control-allow-origin'], undefined);
    assert.match(headers['content-security-policy'], /default-src 'none'/);
    assert.match(headers['content-security-policy'], /frame-ancestors 'none'/);
    assert.doesNotMatch(headers['content-security-policy'], /unsafe|\*/);
  }
  const document = answers.find((answer) => answer.url() === `${origin}/console/`);
  assert.match((await document.allHeaders())['content-security-policy'], /script-src 'sha256-[^']+';/);
  // What such a policy forbids does not happen, whatever got into the page.
  const refused = { image: 'refused', 'image of another host': 'refused', script: 'refused', fetch: 'refused', 'require-trusted-types-for': 'forbidden', 'connect-src': 'forbidden', 'form-action': 'forbidden' };
  await page.evaluate(() => {
    const ends = globalThis.ends = {};
    addEventListener('securitypolicyviolation', ({ effectiveDirective }) => {
      ends[effectiveDirective] = 'forbidden';
    });
    const add = (name, html) => {
      const box = document.createElement('div');
      document.body.append(box);
      try {
        box.innerHTML = html;
        // These come after the image's own handler.
        for (const event of ['load', 'error']) {
          box.firstChild.addEventListener(event, () => {
            ends[name] = event;
          });
        }
      } catch {
        ends[name] = 'refused';
      }
    };
    add('image', '<img src=x onerror="globalThis.owned = 1">');
    add('image of another host', '<img src="http://evil.example/x.png">');
    const script = document.createElement('script');
    try {
      script.textContent = 'globalThis.owned = 1';
      document.body.append(script);
      ends.script = 'added';
    } catch {
      ends.script = 'refused';
    }
    fetch('http://evil.example/').then(() => 'answered', () => 'refused').then((end) => {
      ends.fetch = end;
    });
    const form = document.createElement('form');
    form.action = 'http://evil.example/';
    document.body.append(form);
    form.submit();
  });
  let ends;
  await until(async () => {
    ends = await page.evaluate(() => globalThis.ends);
    return Object.keys(refused).every((name) => name in ends);
  }, 'each attempt has ended');
  assert.deepEqual(ends, refused);
  assert.equal(await page.evaluate(() => globalThis.owned), undefined);
  page.problems.splice(0);
});

test('after a secret was shown nothing of it is in storage, cookies, the history or what is asked for', async (t) => {
  const { link } = await serve(t);
  const page = await visit(t, browser, link);
  const asked = [];
  page.on('request', (one) => asked.push(`${one.url()} ${one.postData() ?? ''} ${JSON.stringify(one.headers())}`));

  await go(page, `#/keys/${ids.roles}`);
  await page.getByRole('button', { name: 'Rotate …' }).first().click();
  await page.getByRole('dialog').getByRole('button', { name: 'Make the new secret' }).click();
  const secret = (await page.getByLabel('The secret', { exact: true }).innerText()).split('_').at(-1);
  await page.getByRole('button', { name: 'I have kept it' }).click();
  await page.getByLabel('The secret', { exact: true }).waitFor({ state: 'detached' });
  await go(page, '#/keys');
  const kept = await page.evaluate(async () => ({ local: { ...localStorage }, session: { ...sessionStorage }, cookie: document.cookie, databases: await indexedDB.databases(), caches: await caches.keys(),
    name: window.name, state: history.state, workers: (await navigator.serviceWorker.getRegistrations()).length }));
  // The history has the number of its entry.
  assert.deepEqual(Object.keys(kept.state), ['entry']);
  assert.equal(typeof kept.state.entry, 'number');
  assert.deepEqual({ ...kept, state: null }, { local: {}, session: {}, cookie: '', databases: [], caches: [], name: '', state: null, workers: 0 });
  assert.equal(await page.evaluate((text) => document.documentElement.outerHTML.includes(text) || document.title.includes(text) || location.href.includes(text), secret), false);
  assert(!asked.some((text) => text.includes(secret)));
  const [cookie] = await page.context().cookies();
  assert.deepEqual([cookie.httpOnly, cookie.sameSite, cookie.expires, cookie.path], [true, 'Strict', -1, '/console']);
  await page.goBack();
  await settled(page);
  assert(!(await page.content()).includes(secret));
});

test('who has a link that was used gets nothing, and the thief of a ticket in the address bar neither', async (t) => {
  const { link, origin } = await serve(t);
  await visit(t, browser, link);
  const { status } = await fetch(`${origin}/console/session`, { method: 'POST', headers: { 'Content-Type': 'application/json', Origin: origin }, body: JSON.stringify({ ticket: new URL(link).hash.slice(1) }) });

  assert.equal(status, 401);
  for (const ticket of ['', '0'.repeat(64), 'x', null, {}, [new URL(link).hash.slice(1)]]) {
    const answer = await fetch(`${origin}/console/session`, { method: 'POST', headers: { 'Content-Type': 'application/json', Origin: origin }, body: JSON.stringify({ ticket }) });
    assert([400, 401].includes(answer.status), `${JSON.stringify(ticket)}: ${answer.status}`);
  }
});
