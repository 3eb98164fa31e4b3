<?php

// SPDX-License-Identifier: Apache-2.0

declare(strict_types=1);

namespace Authz;

use function count, gettype, implode, is_string, ord, preg_match, sprintf;

/** An answer of the daemon. It is allowed only if `allowed` is true. */
final class Decision
{
    // As gettype() has them, which PHP compiles to an instruction. The only objects in an answer are Fields.
    private const TYPES = ['allow' => 'boolean', 'status' => 'integer', 'reason' => 'string', 'revision' => 'string',
        'key' => 'string', 'principal' => 'string', 'tenant' => 'string', 'environment' => 'string',
        'renew' => 'boolean', 'renew_by' => 'integer', 'quota' => 'object', 'missing' => 'array'];

    /** What a usual answer matches from its map on: see quick(). */
    private static ?string $usual = null;

    /**
     * @param int $status the HTTP status to answer with
     * @param string $reason "ok", "role", ...; "unavailable": there is no answer
     * @param ?int $renew_by Unix seconds: when the key's present secret ends
     * @param ?array{limit: int, remaining: int, reset: int} $quota reset: seconds from now
     * @param array<string, mixed> $details all fields of the answer
     * @param list<string> $missing of "missing_fact": the facts by whose absence it could not be decided
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
        public readonly array $missing = [],
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

    /**
     * The decision that a usual answer has from its ninth byte on: the fields in the daemon's order, all there and no
     * others, each value a short text in ASCII. Null leaves an answer to Wire and of(), which read any. One pattern
     * takes a third of their time, since PHP's own instructions run for each byte there.
     * @internal
     */
    public static function quick(string $map): ?self
    {
        if (preg_match(self::$usual ??= self::usual(), $map, $found, PREG_UNMATCHED_AS_NULL) !== 1) {
            return null;
        }
        [, $count, $allow, $low, $high, $reason, $revision, $key, $environment, $principal, $tenant] = $found;
        $allow = $allow === "\xc3";
        $status = $low !== null ? ord($low) : (ord($high[0]) << 8) | ord($high[1]);
        $details = ['allow' => $allow, 'status' => $status, 'reason' => $reason, 'revision' => $revision];
        if ($key !== null) {
            $details += ['key' => $key, 'environment' => $environment];
        }
        if ($principal !== null) {
            $details += ['principal' => $principal, 'tenant' => $tenant];
        }
        if (ord($count) - 0x80 !== count($details) || $status < 100 || $status > 599 || $allow !== ($status === 200)) {
            return null;
        }
        return new self($allow, $status, $reason, $revision, $key, $principal, $tenant, $environment, details: $details);
    }

    private static function usual(): string
    {
        for ($texts = [], $length = 0; $length < 32; $length++) { // the byte that has the length, and the text
            $texts[] = sprintf('\x%x([ -~]{%d})', 0xa0 | $length, $length);
        }
        $text = '(?|' . implode('|', $texts) . ')';
        return "/^([\\x80-\\x8f])\\xa5allow([\\xc2\\xc3])\\xa6status(?:\\xcc(.)|\\xcd(..))\\xa6reason$text"
            . "\\xa8revision(?!\\xa0)$text(?:\\xa3key$text\\xabenvironment$text)?(?:\\xa9principal$text\\xa6tenant$text)?$/sD";
    }

    /** @throws Unavailable when a field is missing or of the wrong type @internal */
    public static function of(mixed $result, ?string $revision = null): self
    {
        if (!$result instanceof Fields) {
            throw new Unavailable('the answer cannot be read: it is not a map');
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
        foreach ($all['missing'] ?? [] as $name) {
            if (!is_string($name)) {
                throw new Unavailable('the answer cannot be read: missing');
            }
        }
        return new self($allow, $status, $all['reason'], $revision, $all['key'] ?? null, $all['principal'] ?? null,
            $all['tenant'] ?? null, $all['environment'] ?? null, $all['renew'] ?? false, $all['renew_by'] ?? null, $quota,
            $result->plain(), $all['missing'] ?? []);
    }
}
