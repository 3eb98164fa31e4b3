<?php

// SPDX-License-Identifier: Apache-2.0

declare(strict_types=1);

namespace Authz;

/** A token. Only reveal() shows it: no dump, no log, no JSON and no serialization. */
final class Secret implements \JsonSerializable
{
    /** @var \WeakMap<self, string> apart from the object, so that var_dump and casts do not find it */
    private static \WeakMap $texts;

    public function __construct(#[\SensitiveParameter] string $text)
    {
        self::$texts ??= new \WeakMap();
        self::$texts[$this] = $text;
    }

    public function reveal(): string
    {
        return self::$texts[$this];
    }

    public function __toString(): string
    {
        return '[secret]';
    }

    public function jsonSerialize(): string
    {
        return '[secret]';
    }

    public function __serialize(): array
    {
        throw new \LogicException('a secret cannot be serialized');
    }

    public function __clone()
    {
        throw new \LogicException('a secret cannot be cloned');
    }
}
