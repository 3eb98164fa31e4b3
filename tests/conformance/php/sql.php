#!/usr/bin/php
<?php
// SPDX-License-Identifier: Apache-2.0
// The PHP client's replayer of sql.json: sql.php FILE. It prints for each case, by dialect, what it wrote.

declare(strict_types=1);

require __DIR__ . '/../../../client/php/autoload.php';

use Authz\{Client, Fields, Plan, SqlError};

function write(Plan $plan, array $columns, string $dialect, array $case): array
{
    try {
        $where = $plan->where($columns, $dialect, $case['placeholder'] ?? ($dialect === 'postgresql' ? '$1' : '?'),
            $case['first'] ?? 1);
    } catch (SqlError $error) {
        return ['error' => $error->getMessage()];
    }
    return ['text' => $where->text, 'parameters' => $where->parameters];
}

$file = json_decode(file_get_contents($argv[1]), true, 512, JSON_THROW_ON_ERROR);
$got = [];
foreach ($file['cases'] as $case) {
    $plan = isset($case['ask']) ? (new Client($file['socket'], 60))->plan(...$case['ask'])
        : Plan::of(new Fields($case['plan']));
    $got[] = array_combine(array_keys($case['expect']), array_map(
        static fn (string $dialect) => write($plan, $file['columns'], $dialect, $case), array_keys($case['expect'])));
}
echo json_encode($got, JSON_THROW_ON_ERROR | JSON_UNESCAPED_UNICODE | JSON_UNESCAPED_SLASHES), "\n";
