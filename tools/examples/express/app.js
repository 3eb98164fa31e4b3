// SPDX-License-Identifier: Apache-2.0
// An application in Express that authzd protects: app.js PORT. run starts it with a daemon.

import express from 'express';
import { Client } from 'authzd';
import { authorize } from 'authzd/express';

const app = express();
app.use(authorize(new Client()));

app.get('/loans/:loan', (req, res) => {
  res.json({ loan: req.params.loan, principal: req.authz.principal });
});
app.delete('/loans/:loan', (req, res) => {
  res.json({ deleted: req.params.loan });
});

app.listen(Number(process.argv[2]), '127.0.0.1');
