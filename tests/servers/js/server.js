// SPDX-License-Identifier: Apache-2.0
// One framework with the routes of routes.json, as its documentation writes them.
//
//   node server.js FRAMEWORK SOCKET ROUTES
//
// Each handler answers with its own route, the values of its parameters, and the path that PROTOCOL.md
// says to send to authzd, in X-Route, X-Values and X-Raw.
'use strict';
const fs = require('fs');

const [framework, socket, file] = process.argv.slice(2);
const routes = JSON.parse(fs.readFileSync(file));
const headers = (route, values, raw) => ({
  'X-Route': `${route.method} ${route.path}`,
  'X-Values': encodeURIComponent(JSON.stringify(Object.values(values).map(String))),
  'X-Raw': raw,
  'Content-Length': '0',
});
// {name} in the framework's spelling; {name...} as the framework writes the rest of a path.
const spell = (path, rest) => path.replace(/\{(\w+)\.\.\.\}/g, rest).replace(/\{(\w+)\}/g, ':$1');

function express(module, rest) {
  const app = require(module)();
  for (const route of routes) {
    app[route.method.toLowerCase()](spell(route.path, rest), (req, res) => {
      const values = Object.values(req.params).map((v) => (Array.isArray(v) ? v.join('/') : v));
      res.set(headers(route, values, req.originalUrl)).status(200).end();
    });
  }
  app.listen(socket);
}

const start = {
  express4: () => express('express4', '*'),
  express5: () => express('express5', '*$1'),
  fastify: (options) => {
    const app = require('fastify')({ exposeHeadRoutes: true, ...options });
    for (const route of routes) {
      app.route({
        method: route.method,
        url: spell(route.path, '*'),
        handler: (req, reply) => reply.headers(headers(route, req.params, req.raw.url)).code(200).send(''),
      });
    }
    app.listen({ path: socket });
  },
  'fastify-ignoring': () => start.fastify({ ignoreTrailingSlash: true }),
  koa: () => {
    const Koa = require('koa');
    const Router = require('@koa/router');
    const app = new Koa();
    const router = new Router();
    for (const route of routes) {
      router[route.method.toLowerCase()](spell(route.path, '(.*)'), (ctx) => {
        ctx.set(headers(route, ctx.params, ctx.originalUrl));
        ctx.status = 200;
        ctx.body = '';
      });
    }
    app.use(router.routes()).use(router.allowedMethods());
    app.listen(socket);
  },
  hono: () => {
    const { Hono } = require('hono');
    const { createAdaptorServer } = require('@hono/node-server');
    const app = new Hono();
    for (const route of routes) {
      app.on(route.method, spell(route.path, ':$1{.*}'), (c) =>
        c.body('', 200, headers(route, c.req.param(), c.env.incoming.url)));
    }
    createAdaptorServer(app).listen(socket);
  },
};
start[framework]();
