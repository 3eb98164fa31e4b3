<?php

// SPDX-License-Identifier: Apache-2.0

declare(strict_types=1);

namespace Authz;

use Psr\Http\Message\{ResponseFactoryInterface, ResponseInterface, ServerRequestInterface};
use Psr\Http\Server\{MiddlewareInterface, RequestHandlerInterface};

/**
 * For frameworks with PSR-15, such as Slim and Mezzio. A request goes on only when the daemon allowed it; its
 * decision is $request->getAttribute('authz').
 *
 *     $guard = new Authz\Guard(new Authz\Client(), service: 'shop');
 *     $app->add(new Authz\Middleware($guard, $app->getResponseFactory()));
 *
 * The path is the one that the client sent. Let nothing after this middleware change the path or the method by
 * which the framework routes.
 */
final class Middleware implements MiddlewareInterface
{
    /**
     * @param ?\Closure(ServerRequestInterface): array<string, mixed> $facts more parameters of the question, such
     *                                                                       as the client's `ip`
     */
    public function __construct(
        private readonly Guard $guard,
        private readonly ResponseFactoryInterface $responses,
        private readonly ?\Closure $facts = null,
    ) {
    }

    public function process(ServerRequestInterface $request, RequestHandlerInterface $handler): ResponseInterface
    {
        $target = $request->getServerParams()['REQUEST_URI'] ?? $request->getRequestTarget();
        $facts = $this->facts === null ? [] : ($this->facts)($request);
        $answer = $this->guard->ask($request->getMethod(), $target, array_change_key_case($request->getHeaders()),
            $facts);
        if ($answer->allowed) {
            return $handler->handle($request->withAttribute('authz', $answer->decision));
        }
        $response = $this->responses->createResponse($answer->status);
        foreach ($answer->headers as $name => $value) {
            $response = $response->withHeader($name, $value);
        }
        $response->getBody()->write($answer->body);
        return $response;
    }
}
