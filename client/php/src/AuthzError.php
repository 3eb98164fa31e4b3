<?php

// SPDX-License-Identifier: Apache-2.0

declare(strict_types=1);

namespace Authz;

/** An error that the daemon answered with. A denial is no error. */
class AuthzError extends \RuntimeException
{
    /** @var string one of the codes of PROTOCOL.md, such as "not_found" */
    public $code;

    /**
     * @param string $code one of them
     * @param ?string $param the parameter that is wrong, such as "requests[3].ip"
     * @param list<string> $ids what counts towards a limit, or is in the way
     * @param list<array<string, mixed>> $diagnostics what is wrong with a policy
     * @param bool $may_stand of StoreUnavailable: the change may have been made
     */
    public function __construct(
        string $code,
        string $message,
        public readonly ?string $param = null,
        public readonly array $ids = [],
        public readonly array $diagnostics = [],
        public readonly bool $may_stand = false,
    ) {
        parent::__construct($message);
        $this->code = $code;
    }

    /** @param array<string, mixed> $fields the error of an answer */
    public static function of(array $fields): self
    {
        $text = static fn (string $name) => is_string($fields[$name] ?? null) ? $fields[$name] : null;
        $list = static fn (string $name) => is_array($fields[$name] ?? null) ? array_values($fields[$name]) : [];
        $kind = ['stale' => Stale::class, 'unavailable' => StoreUnavailable::class][$text('code') ?? ''] ?? self::class;
        return new $kind($text('code') ?? 'internal', $text('message') ?? '', $text('param'), $list('ids'),
            $list('diagnostics'), ($fields['may_stand'] ?? false) === true);
    }
}
