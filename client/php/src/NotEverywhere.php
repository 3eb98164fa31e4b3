<?php

// SPDX-License-Identifier: Apache-2.0

declare(strict_types=1);

namespace Authz;

/**
 * A change with `everywhere` was made and is durable, but not all hosts of a shared store reported it in time.
 */
final class NotEverywhere extends \RuntimeException
{
    /**
     * @param array<string, mixed> $result what the call gives otherwise
     * @param list<string> $lacking names of the hosts that may lack it
     * @internal
     */
    public function __construct(public readonly array $result, public readonly array $lacking)
    {
        parent::__construct('the change is made, but some hosts may lack it: ' . implode(', ', $lacking));
    }
}
