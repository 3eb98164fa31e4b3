<?php

// SPDX-License-Identifier: Apache-2.0
// Laravel's kernel, router and requests, from Debian's package, with the middleware that client/README.md writes out:
// the test puts it at $MIDDLEWARE.

declare(strict_types=1);

error_reporting(E_ALL & ~E_DEPRECATED); // Debian's Laravel is older than its PHP
require_once 'Illuminate/autoload.php';
require_once __DIR__ . '/../../../client/php/autoload.php';
require getenv('MIDDLEWARE', true);

use Illuminate\Http\Request;
use Illuminate\Pipeline\Pipeline;
use Illuminate\Routing\Router;

$app = new Illuminate\Container\Container();
Illuminate\Container\Container::setInstance($app);
$app->instance(Illuminate\Contracts\Container\Container::class, $app);
$app->singleton(Authz\Guard::class, fn () => new Authz\Guard(new Authz\Client(timeout: 60),
    service: getenv('SERVICE', true), header: 'X-API-Key', cookie: 'session', overrides: true,
    missing_pass: getenv('MISSING_PASS', true) === '1'));
$router = new Router(new Illuminate\Events\Dispatcher($app), $app);
$router->any('/{path}', fn (Request $request) => new Illuminate\Http\Response(
    "the application has {$request->getMethod()} {$request->getRequestUri()}", 200,
    ['X-Principal' => $request->attributes->get('authz')->principal ?? '-',
        'X-Missing' => implode(',', $request->attributes->get('authz')->missing)]))->where('path', '.*');
$app->instance(Router::class, $router);

$request = Request::capture();
$app->instance(Request::class, $request);
(new Pipeline($app))->send($request)->through([App\Http\Middleware\Authz::class])
    ->then(fn (Request $request) => $router->dispatch($request))->send();
