<?php

// SPDX-License-Identifier: Apache-2.0

declare(strict_types=1);

namespace Authz;

use function is_string;

/** Of which resources of a node a request would be allowed. An object is always true in PHP: compare `plan`. */
final class Plan
{
    /**
     * @param string $plan "always", "never", or "when": where the condition is true
     * @param int $status the HTTP status to answer with: 200, or that of the reason
     * @param ?string $reason of "never", as in a decision
     * @param ?string $when the condition as text
     * @param array<mixed> $tree the same as nested lists; PROTOCOL.md, `plan`
     * @param ?string $node as declared
     * @param list<string> $missing facts that were not given, and without which the plan has less in it
     */
    private function __construct(
        public readonly string $plan,
        public readonly string $revision,
        public readonly int $status = 200,
        public readonly ?string $reason = null,
        public readonly ?string $when = null,
        public readonly array $tree = [],
        public readonly ?string $node = null,
        public readonly array $missing = [],
    ) {
    }

    /** @throws Unavailable when a field is missing or of the wrong type @internal */
    public static function of(Fields $result): self
    {
        $never = ($plan = $result->get('plan', 'string', true)) === 'never';
        $when = $plan === 'when';
        $missing = $result->get('missing', 'array') ?? [];
        foreach ($missing as $name) {
            is_string($name) ?: throw new Unavailable('the answer cannot be read: missing');
        }
        $made = new self($plan, $result->get('revision', 'string', true), $result->get('status', 'int', $never) ?? 200,
            $result->get('reason', 'string', $never), $result->get('when', 'string', $when),
            $result->get('tree', 'array', $when) ?? [], $result->get('node', 'string'), $missing);
        if ($made->revision === '' || !($never || $when || $plan === 'always') || ($when && $made->tree === [])) {
            throw new Unavailable('the answer cannot be read: it is not a plan');
        }
        return $made;
    }

    /**
     * The condition of a query.
     *
     * $columns has for each fact, such as "resource.owner", and for each parameter of the path, such as "{booking}",
     * the SQL expression that yields what the program would send as that fact. The expressions go into the text; each
     * value of the plan is a parameter.
     *
     * @param array<string, string> $columns
     * @param string $dialect "postgresql", "mysql", "mariadb" or "sqlite"
     * @param string $placeholder "?", "$1" or "%s"
     * @param int $first with "$1", the number of the first parameter
     * @throws SqlError
     */
    public function where(array $columns, string $dialect, string $placeholder = '?', int $first = 1): Where
    {
        $writer = Sql::writer($dialect, $columns, $placeholder, $first);
        if ($this->plan !== 'when') {
            return new Where($this->plan === 'always' ? '(1 = 1)' : '(1 = 0)', []);
        }
        return new Where($writer->condition($this->tree), $writer->parameters);
    }
}
