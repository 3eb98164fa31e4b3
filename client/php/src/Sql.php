<?php

// SPDX-License-Identifier: Apache-2.0

declare(strict_types=1);

namespace Authz;

use function array_key_exists, array_map, array_shift, count, in_array, is_array, is_bool, is_string;

/**
 * Writes the condition of a plan's tree. The parameters are bound in the order in which they stand in the text, so each
 * expression below that has several is evaluated from left to right, as PHP does.
 * @internal
 */
abstract class Sql
{
    /** What compares alike. */
    private const KINDS = ['string' => 'text', 'word' => 'text', 'int' => 'int', 'time' => 'int', 'duration' => 'int',
        'bool' => 'bool', 'address' => 'address', 'network' => 'address'];
    private const SIGNS = ['is' => '=', 'is not' => '<>', '<' => '<', '<=' => '<='];
    /** The method that writes a comparison of sets, and whether it is negated. */
    private const SETS = ['has' => ['has', false], 'has not' => ['has', true], 'has any' => ['hasAny', false],
        'has none' => ['hasAny', true], 'has all' => ['hasAll', false], 'has not all' => ['hasAll', true]];

    /**
     * How a column, and a placeholder, of each kind compare as they must, whatever the column's type and the driver's:
     * what stands before and after it.
     */
    protected const COLUMNS = [];
    protected const VALUES = [];

    /** @var list<string|int> */
    public array $parameters = [];

    /** @param array<string, string> $columns */
    final private function __construct(
        private readonly array $columns,
        private readonly string $placeholder,
        private readonly int $first,
    ) {
    }

    /** @param array<string, string> $columns */
    public static function writer(string $dialect, array $columns, string $placeholder, int $first): self
    {
        if (!in_array($placeholder, ['?', '$1', '%s'], true)) {
            throw new \ValueError('the placeholder is none of ?, $1, %s');
        }
        return match ($dialect) {
            'postgresql' => new SqlOfPostgres($columns, $placeholder, $first),
            'mysql' => new SqlOfMysql($columns, $placeholder, $first),
            'mariadb' => new SqlOfMariadb($columns, $placeholder, $first),
            'sqlite' => new SqlOfSqlite($columns, $placeholder, $first),
            default => throw new \ValueError('the dialect is none of postgresql, mysql, mariadb, sqlite'),
        };
    }

    public function condition(mixed $tree): string
    {
        $parts = is_array($tree) ? $tree : [];
        $name = array_shift($parts);
        foreach ($parts as $part) {
            is_array($part) ?: throw new SqlError('the plan cannot be read');
        }
        if (!is_string($name)) {
            throw new SqlError('the plan cannot be read');
        }
        if ($name === 'and' || $name === 'or') {
            return '(' . implode($name === 'and' ? ' AND ' : ' OR ', array_map($this->condition(...), $parts)) . ')';
        }
        if (count($parts) === 1 && ($name === 'present' || $name === 'absent')) {
            return '(' . $this->column($parts[0]) . ($name === 'present' ? ' IS NOT NULL)' : ' IS NULL)');
        }
        if (count($parts) !== 2) {
            throw new SqlError('the plan cannot be read');
        }
        return '(' . $this->comparison($name, ...$parts) . ')';
    }

    private function comparison(string $name, array $left, array $right): string
    {
        if ($name === 'is not' && $left[0] === 'word') {
            [$left, $right] = [$right, $left];
        }
        if ($name === 'is not' && $left[0] === 'fact' && $right[0] === 'word') {
            return $this->otherWords($left, $right);
        }
        if (isset(self::SIGNS[$name])) {
            return $this->operand($left) . ' ' . self::SIGNS[$name] . ' ' . $this->operand($right);
        }
        if ($name === 'within' || $name === 'not within') {
            return ($name === 'within' ? '' : 'NOT ') . $this->operand($left) . ' <<= ' . $this->operand($right);
        }
        [$method, $negated] = self::SETS[$name]
            ?? throw new SqlError("the plan has the comparison '$name', which this version does not know");
        // NULL is in no set, and an empty one has nothing of it: that both are there is said apart.
        $there = '';
        foreach ([$left, $right] as $side) {
            $there .= self::isOpen($side) ? $this->column($side) . ' IS NOT NULL AND ' : '';
        }
        $found = $this->$method($left, $right);
        return $there . ($negated ? "NOT ($found)" : $found);
    }

    /** A word that is not this one is one of the others; a text that is none of them is nothing. */
    private function otherWords(array $fact, array $word): string
    {
        $others = [];
        $column = $this->operand($fact);
        foreach ($fact[2][1] as $other) {
            if ($other !== $word[1]) {
                $others[] = $this->operand(['word', $other]);
            }
        }
        return $others === [] ? '1 = 0' : "$column IN (" . implode(', ', $others) . ')';
    }

    protected function operand(array $operand): string
    {
        $open = self::isOpen($operand);
        $type = $open ? $operand[2] : $operand[0];
        $type = is_array($type) ? $type[0] : $type; // of words it is an array with them
        $kind = self::KINDS[$type]
            ?? throw new SqlError("the plan compares the type '$type', which this version does not know");
        if (!isset(static::VALUES[$kind])) {
            throw new SqlError('the plan compares addresses, which only PostgreSQL can');
        }
        [$before, $after] = $open ? static::COLUMNS[$kind] ?? ['', ''] : static::VALUES[$kind];
        return $before . ($open ? $this->column($operand) : $this->bind($operand[1])) . $after;
    }

    /** The caller's expression. */
    protected function column(array $operand): string
    {
        $name = $operand[0] === 'fact' ? $operand[1] : '{' . $operand[1] . '}';
        if (!array_key_exists($name, $this->columns)) {
            throw new SqlError("the plan depends on $name, for which there is no column");
        }
        return '(' . $this->columns[$name] . ')';
    }

    protected function bind(mixed $value): string
    {
        $this->parameters[] = is_bool($value) ? $this->bool($value) : $value;
        return $this->placeholder === '$1' ? '$' . ($this->first + count($this->parameters) - 1) : $this->placeholder;
    }

    /** A fact or a parameter, of which each row has its own value. */
    protected static function isOpen(array $operand): bool
    {
        return $operand[0] === 'fact' || $operand[0] === 'parameter';
    }

    protected function bool(bool $value): string|int
    {
        return $value ? 1 : 0;
    }

    /** A set as a JSON array. */
    protected function set(array $operand): string
    {
        return self::isOpen($operand) ? $this->column($operand) : $this->bind(json_encode($operand[1],
            JSON_THROW_ON_ERROR | JSON_UNESCAPED_UNICODE | JSON_UNESCAPED_SLASHES | JSON_UNESCAPED_LINE_TERMINATORS));
    }

    // Of sets that are there.

    abstract protected function has(array $left, array $right): string;

    abstract protected function hasAny(array $left, array $right): string;

    abstract protected function hasAll(array $left, array $right): string;
}
