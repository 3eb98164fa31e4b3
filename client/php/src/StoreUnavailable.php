<?php

// SPDX-License-Identifier: Apache-2.0

declare(strict_types=1);

namespace Authz;

/** The database of a shared store does not answer. With `may_stand` the change may have been made. */
final class StoreUnavailable extends AuthzError
{
}
