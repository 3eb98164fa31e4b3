<?php

// SPDX-License-Identifier: Apache-2.0

declare(strict_types=1);

namespace Authz;

/** This host of a store that several hosts share knows nothing recent enough. Nothing was changed. */
final class Stale extends AuthzError
{
}
