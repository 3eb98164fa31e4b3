<?php

// SPDX-License-Identifier: Apache-2.0

declare(strict_types=1);

namespace Authz;

/**
 * What a Guard decided about a request: it goes on only if `allowed` is true; otherwise this is the answer. With
 * `missing_pass` that is so, too, if the decision itself lacks facts.
 */
final class Answer
{
    private const TITLES = [400 => 'Bad Request', 401 => 'Unauthorized', 403 => 'Forbidden', 404 => 'Not Found',
        429 => 'Too Many Requests', 503 => 'Service Unavailable'];

    /** Problem details (RFC 9457). */
    public readonly string $body;
    /** @var array<string, string> */
    public readonly array $headers;

    /** @param array<string, string> $headers @internal */
    public function __construct(
        public readonly Decision $decision,
        public readonly int $status,
        array $headers,
        public readonly bool $allowed,
    ) {
        $problem = ['type' => 'about:blank', 'title' => self::TITLES[$status] ?? 'Denied', 'status' => $status];
        if ($status !== 401) { // why a token is not accepted is nothing for its holder
            $problem['reason'] = $decision->reason;
        }
        $this->body = json_encode($problem, JSON_THROW_ON_ERROR | JSON_INVALID_UTF8_SUBSTITUTE);
        $this->headers = [...$headers, 'Cache-Control' => 'no-store', 'Content-Type' => 'application/problem+json'];
    }
}
