// SPDX-License-Identifier: Apache-2.0

import { look } from './looks.mjs';

await look('dark');
