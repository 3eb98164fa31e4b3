<?php

// SPDX-License-Identifier: Apache-2.0

declare(strict_types=1);

namespace Authz;

/** What follows WHERE, in parentheses, and its parameters in the order of their placeholders. */
final class Where
{
    /** @param list<string|int> $parameters in PostgreSQL a boolean is "true" or "false", which PDO sends as they are */
    public function __construct(
        public readonly string $text,
        public readonly array $parameters,
    ) {
    }
}
