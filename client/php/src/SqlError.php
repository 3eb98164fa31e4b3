<?php

// SPDX-License-Identifier: Apache-2.0

declare(strict_types=1);

namespace Authz;

/**
 * A plan has no WHERE: there is no column for one of its facts, the database cannot compare addresses, or the plan has
 * what this version does not know.
 */
final class SqlError extends \RuntimeException
{
}
