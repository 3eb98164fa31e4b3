<?php

// SPDX-License-Identifier: Apache-2.0

declare(strict_types=1);

namespace Authz;

/**
 * A list. To iterate over it asks for page after page; `data` is all of it. Other fields are those of the first page,
 * such as the `reason` of permissions.
 *
 * @property-read list<array<string, mixed>> $data
 * @implements \IteratorAggregate<int, array<string, mixed>>
 */
final class Listing implements \IteratorAggregate
{
    private ?Fields $first = null;

    /**
     * @param \Closure(array<string, mixed>): Fields $fetch asks for a page; its argument is added to the parameters
     * @internal
     */
    public function __construct(private readonly \Closure $fetch)
    {
    }

    public function getIterator(): \Generator
    {
        $page = $this->first();
        for ($number = 0, $asked = null;; $page = ($this->fetch)(['cursor' => $asked])) {
            $items = $page->get('items', 'array', true);
            $cursor = $page->get('cursor', 'string');
            if ($items === [] && $cursor !== null && $cursor === $asked) {
                throw new Unavailable('the answer cannot be read: a page leads to itself');
            }
            foreach ($items as $item) {
                yield $number++ => Fields::toArray($item);
            }
            if ($cursor === null) {
                return;
            }
            $asked = $cursor;
        }
    }

    public function __get(string $name): mixed
    {
        return $name === 'data' ? iterator_to_array($this, false) : Fields::toArray($this->first()->all[$name] ?? null);
    }

    public function __isset(string $name): bool
    {
        return $this->__get($name) !== null;
    }

    /** Without the parameters, which may have a token. */
    public function __debugInfo(): array
    {
        return [];
    }

    private function first(): Fields
    {
        return $this->first ??= ($this->fetch)([]);
    }
}
