<?php

// SPDX-License-Identifier: Apache-2.0

declare(strict_types=1);

namespace Authz;

/**
 * The cast to text takes away the own equality of a type such as citext. An address of IPv4 may be written as one of
 * IPv6.
 * @internal
 */
final class SqlOfPostgres extends Sql
{
    protected const COLUMNS = ['text' => ['', '::text COLLATE "C"'],
        'address' => ['regexp_replace(host(', "::inet), '^::ffff:([0-9.]+)$', '\\1')::inet"]];
    protected const VALUES = ['text' => ['', '::text'], 'int' => ['', '::bigint'], 'bool' => ['', '::boolean'],
        'address' => ['', '::inet']];

    protected function bool(bool $value): string
    {
        return $value ? 'true' : 'false';
    }

    protected function set(array $operand): string
    {
        return self::isOpen($operand) ? $this->column($operand) . '::text[] COLLATE "C"'
            : 'ARRAY[' . implode(', ', array_map($this->bind(...), $operand[1])) . ']::text[]';
    }

    protected function has(array $left, array $right): string
    {
        return $this->operand($right) . ' = ANY (' . $this->set($left) . ')';
    }

    protected function hasAny(array $left, array $right): string
    {
        return $this->set($left) . ' && ' . $this->set($right);
    }

    protected function hasAll(array $left, array $right): string
    {
        return $this->set($left) . ' @> ' . $this->set($right);
    }
}
