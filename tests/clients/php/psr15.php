<?php

// SPDX-License-Identifier: Apache-2.0
// A handler of PSR-15 after Authz\Middleware, with the PSR-7 of Nyholm. Debian has no package of PSR-15: its two
// interfaces are declared here.

declare(strict_types=1);

namespace Psr\Http\Server {
    require_once 'Nyholm/Psr7/autoload.php';
    require_once __DIR__ . '/../../../client/php/autoload.php';

    use Psr\Http\Message\{ResponseInterface, ServerRequestInterface};

    interface RequestHandlerInterface
    {
        public function handle(ServerRequestInterface $request): ResponseInterface;
    }

    interface MiddlewareInterface
    {
        public function process(
            ServerRequestInterface $request,
            RequestHandlerInterface $handler
        ): ResponseInterface;
    }
}

namespace {
    use Nyholm\Psr7\Factory\Psr17Factory;
    use Nyholm\Psr7\{Response, ServerRequest};
    use Psr\Http\Message\{ResponseInterface, ServerRequestInterface};

    $guard = new Authz\Guard(new Authz\Client(timeout: 60), service: getenv('SERVICE', true), header: 'X-API-Key',
        cookie: 'session', missing_pass: getenv('MISSING_PASS', true) === '1');
    $middleware = new Authz\Middleware($guard, new Psr17Factory(),
        static fn (ServerRequestInterface $request) => ['ip' => $request->getServerParams()['REMOTE_ADDR'] ?: '::1']);
    $handler = new class implements Psr\Http\Server\RequestHandlerInterface {
        public function handle(ServerRequestInterface $request): ResponseInterface
        {
            $decision = $request->getAttribute('authz');
            return new Response(200,
                ['X-Principal' => $decision->principal ?? '-', 'X-Missing' => implode(',', $decision->missing)],
                "the application has {$request->getMethod()} {$request->getServerParams()['REQUEST_URI']}");
        }
    };
    $request = new ServerRequest($_SERVER['REQUEST_METHOD'], '/elsewhere', getallheaders(), null, '1.1', $_SERVER);
    $response = $middleware->process($request, $handler);
    http_response_code($response->getStatusCode());
    foreach ($response->getHeaders() as $name => $values) {
        foreach ($values as $value) {
            header("$name: $value", false);
        }
    }
    echo $response->getBody();
}
