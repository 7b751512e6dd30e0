#!/usr/bin/env node
'use strict';
// Plain old JavaScript: this file must also run where everything else would not even parse.

const preflight = require('./preflight.cjs');

const problem = preflight.problemWith(process.versions.node);
// In another folder, and by `npm link`, whatever Node the machine has runs this.
const ownNode = problem === null ? null : preflight.ownNode();

if (problem === null) {
  import('./main.ts').catch((error) => {
    console.error(error);
    process.exit(1);
  });
} else if (ownNode === null) preflight.refuse(problem);
else runWith(ownNode);

function runWith(node) {
  const child = require('node:child_process').spawn(node, process.argv.slice(1), { stdio: 'inherit' });
  // A terminal sends Ctrl-C to both, and a second one would mean another thing.
  process.on('SIGINT', () => {});
  for (const signal of ['SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
  child.on('error', () => preflight.refuse(problem));
  child.on('exit', (code, signal) => {
    if (signal === null) process.exit(code);
    process.removeAllListeners(signal);
    process.kill(process.pid, signal);
  });
}
