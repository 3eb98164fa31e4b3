<?php

// SPDX-License-Identifier: Apache-2.0

declare(strict_types=1);

namespace Authz;

use function gettype;

/** An answer of the daemon. It is allowed only if `allowed` is true. */
final class Decision
{
    // As gettype() has them, which PHP compiles to an instruction. The only objects in an answer are Fields.
    private const TYPES = ['allow' => 'boolean', 'status' => 'integer', 'reason' => 'string', 'revision' => 'string',
        'key' => 'string', 'principal' => 'string', 'tenant' => 'string', 'environment' => 'string',
        'renew' => 'boolean', 'renew_by' => 'integer', 'quota' => 'object'];

    /**
     * @param int $status the HTTP status to answer with
     * @param string $reason "ok", "role", ...; "unavailable": there is no answer
     * @param ?int $renew_by Unix seconds: when the key's present secret ends
     * @param ?array{limit: int, remaining: int, reset: int} $quota reset: seconds from now
     * @param array<string, mixed> $details all fields of the answer
     */
    private function __construct(
        public readonly bool $allowed,
        public readonly int $status,
        public readonly string $reason,
        public readonly ?string $revision = null,
        public readonly ?string $key = null,
        public readonly ?string $principal = null,
        public readonly ?string $tenant = null,
        public readonly ?string $environment = null,
        public readonly bool $renew = false,
        public readonly ?int $renew_by = null,
        public readonly ?array $quota = null,
        public readonly array $details = [],
    ) {
    }

    public static function unavailable(): self
    {
        return self::denied(503, 'unavailable');
    }

    /** A denial without the daemon. @internal */
    public static function denied(int $status, string $reason): self
    {
        return new self(false, $status, $reason);
    }

    /** @throws Unavailable when a field is missing or of the wrong type @internal */
    public static function of(mixed $result, ?string $revision = null): self
    {
        if (!$result instanceof Fields) {
            throw new Unavailable('the answer cannot be read: it is no map');
        }
        $all = $result->all;
        foreach ($all as $name => $value) {
            $type = gettype($value);
            if ((self::TYPES[$name] ?? $type) !== $type) {
                throw new Unavailable("the answer cannot be read: $name");
            }
        }
        if (!isset($all['allow'], $all['status'], $all['reason'])) {
            throw new Unavailable('the answer cannot be read: no allow, status or reason');
        }
        ['allow' => $allow, 'status' => $status] = $all;
        $revision = $all['revision'] ?? $revision;
        if ($status < 100 || $status > 599 || $allow !== ($status === 200) || ($revision ?? '') === '') {
            throw new Unavailable('the answer cannot be read: status or revision');
        }
        $quota = $all['quota'] ?? null;
        if ($quota !== null) {
            $quota = ['limit' => $quota->get('limit', 'int', true),
                'remaining' => $quota->get('remaining', 'int', true), 'reset' => $quota->get('reset', 'int', true)];
        }
        return new self($allow, $status, $all['reason'], $revision, $all['key'] ?? null, $all['principal'] ?? null,
            $all['tenant'] ?? null, $all['environment'] ?? null, $all['renew'] ?? false, $all['renew_by'] ?? null, $quota,
            $result->plain());
    }
}
