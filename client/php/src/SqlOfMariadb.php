<?php

// SPDX-License-Identifier: Apache-2.0

declare(strict_types=1);

namespace Authz;

/**
 * JSON_CONTAINS takes an escape such as \u00e4 for another text than the letter; JSON_TABLE reads both alike.
 * @internal
 */
final class SqlOfMariadb extends SqlOfMysql
{
    private const SAME_MEMBER = 'CAST(authz_a.authz_member AS BINARY) = CAST(authz_b.authz_member AS BINARY)';

    protected function has(array $left, array $right): string
    {
        return $this->operand($right) . ' IN (SELECT CAST(authz_a.authz_member AS BINARY) FROM '
            . $this->members($left, 'authz_a') . ')';
    }

    protected function hasAny(array $left, array $right): string
    {
        return 'EXISTS (SELECT 1 FROM ' . $this->members($left, 'authz_a') . ', ' . $this->members($right, 'authz_b')
            . ' WHERE ' . self::SAME_MEMBER . ')';
    }

    protected function hasAll(array $left, array $right): string
    {
        return 'NOT EXISTS (SELECT 1 FROM ' . $this->members($right, 'authz_b') . ' WHERE NOT EXISTS (SELECT 1 FROM '
            . $this->members($left, 'authz_a') . ' WHERE ' . self::SAME_MEMBER . '))';
    }

    private function members(array $operand, string $name): string
    {
        return 'JSON_TABLE(' . $this->set($operand) . ", '$[*]' COLUMNS (authz_member LONGTEXT PATH '$')) AS " . $name;
    }
}
