<?php

// SPDX-License-Identifier: Apache-2.0
// A program without a framework that Authz\Guard protects.

declare(strict_types=1);

require_once __DIR__ . '/../../../client/php/autoload.php';

$decision = (new Authz\Guard(new Authz\Client(timeout: 60), service: getenv('SERVICE', true), header: 'X-API-Key',
    cookie: 'session', missing_pass: getenv('MISSING_PASS', true) === '1'))->protect();
header('X-Principal: ' . ($decision->principal ?? '-'));
header('X-Missing: ' . implode(',', $decision->missing));
echo "the application has {$_SERVER['REQUEST_METHOD']} {$_SERVER['REQUEST_URI']}";
