<?php

// SPDX-License-Identifier: Apache-2.0
// A program that authzd protects: it has all requests, with PHP's own server and with FPM. run starts it with a daemon.

declare(strict_types=1);

require getenv('CLIENT') . '/php/autoload.php';

$decision = (new Authz\Guard(new Authz\Client()))->protect();

header('Content-Type: application/json');
$loan = basename(strtok($_SERVER['REQUEST_URI'], '?'));
echo json_encode($_SERVER['REQUEST_METHOD'] === 'DELETE' ? ['deleted' => $loan]
    : ['loan' => $loan, 'principal' => $decision->principal]);
