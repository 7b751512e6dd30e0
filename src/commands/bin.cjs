#!/usr/bin/env node
'use strict';
require('./preflight.cjs');

import('./main.ts').catch((error) => {
  console.error(error);
  process.exit(1);
});
