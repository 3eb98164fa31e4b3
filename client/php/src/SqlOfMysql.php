<?php

// SPDX-License-Identifier: Apache-2.0

declare(strict_types=1);

namespace Authz;

/**
 * The bytes of UTF-8: a collation takes `a` for `A`, or for `a` and a space.
 * @internal
 */
class SqlOfMysql extends Sql
{
    protected const COLUMNS = ['text' => ['CAST(CONVERT(', ' USING utf8mb4) AS BINARY)']];
    protected const VALUES = self::COLUMNS + ['int' => ['CAST(', ' AS SIGNED)'], 'bool' => ['CAST(', ' AS SIGNED)']];

    protected function has(array $left, array $right): string
    {
        return 'JSON_CONTAINS(' . $this->set($left) . ', JSON_QUOTE(CONVERT('
            . (self::isOpen($right) ? $this->column($right) : $this->bind($right[1])) . ' USING utf8mb4)))';
    }

    protected function hasAny(array $left, array $right): string
    {
        return 'JSON_OVERLAPS(' . $this->set($left) . ', ' . $this->set($right) . ')';
    }

    protected function hasAll(array $left, array $right): string
    {
        return 'JSON_CONTAINS(' . $this->set($left) . ', ' . $this->set($right) . ')';
    }
}
