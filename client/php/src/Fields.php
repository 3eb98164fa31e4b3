<?php

// SPDX-License-Identifier: Apache-2.0

declare(strict_types=1);

namespace Authz;

use function array_key_exists, get_debug_type, is_array;

/** A map of an answer, apart from its lists. @internal */
final class Fields
{
    /** @param array<string, mixed> $all */
    public function __construct(public readonly array $all)
    {
    }

    /** The value of a field of that type ("int", "bool", "string", "array"); null: it is not there. */
    public function get(string $name, string $type, bool $required = false): mixed
    {
        if (!array_key_exists($name, $this->all)) {
            return $required ? throw new Unavailable("the answer cannot be read: no $name") : null;
        }
        $value = $this->all[$name];
        return get_debug_type($value) === $type ? $value : throw new Unavailable("the answer cannot be read: $name");
    }

    /** The same as arrays. A field "secret" is a Secret. */
    public function plain(): array
    {
        return self::toArray($this);
    }

    public static function toArray(mixed $value): mixed
    {
        $value = $value instanceof self ? $value->all : $value;
        if (is_array($value)) {
            foreach ($value as $name => $item) {
                if (is_array($item) || $item instanceof self) {
                    $value[$name] = self::toArray($item);
                }
            }
        }
        return $value;
    }
}
