<?php

// SPDX-License-Identifier: Apache-2.0

declare(strict_types=1);

namespace Authz;

/**
 * There is no answer: the daemon does not listen, is not trusted, the deadline passed, the connection
 * broke, or the answer cannot be read. A change may or may not have been made.
 */
final class Unavailable extends \RuntimeException
{
    /** @param bool $broken the connection ended, so that a request may be sent again */
    public function __construct(string $message, public readonly bool $broken = false)
    {
        parent::__construct($message);
    }
}
