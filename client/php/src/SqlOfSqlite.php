<?php

// SPDX-License-Identifier: Apache-2.0

declare(strict_types=1);

namespace Authz;

/**
 * The caller's expressions stand in a row of their own, `authz_s`, outside of json_each, whose columns such as `value`
 * and `id` would hide the caller's.
 * @internal
 */
final class SqlOfSqlite extends Sql
{
    // A column of numbers would take a text for a number, and '07' for 7; a driver may bind a number as a text.
    protected const COLUMNS = ['text' => ['CAST(', ' AS TEXT) COLLATE BINARY']];
    protected const VALUES = ['text' => ['', ''], 'int' => ['CAST(', ' AS INTEGER)'],
        'bool' => ['CAST(', ' AS INTEGER)']];

    protected function has(array $left, array $right): string
    {
        return $this->operand($right) . ' IN (SELECT authz_a.value FROM (SELECT ' . $this->set($left)
            . ' AS a) AS authz_s, json_each(authz_s.a) AS authz_a)';
    }

    protected function hasAny(array $left, array $right): string
    {
        return 'EXISTS (SELECT 1 FROM ' . $this->row($left, $right) . ', json_each(authz_s.a) AS authz_a, '
            . 'json_each(authz_s.b) AS authz_b WHERE authz_a.value = authz_b.value)';
    }

    protected function hasAll(array $left, array $right): string
    {
        return 'NOT EXISTS (SELECT 1 FROM ' . $this->row($left, $right) . ', json_each(authz_s.b) AS authz_b '
            . 'WHERE authz_b.value NOT IN (SELECT authz_a.value FROM json_each(authz_s.a) AS authz_a))';
    }

    private function row(array $left, array $right): string
    {
        return '(SELECT ' . $this->set($left) . ' AS a, ' . $this->set($right) . ' AS b) AS authz_s';
    }
}
