'use strict';
// Plain old JavaScript: this file must also run where everything else would not even parse.

var NEEDED = '22.18 or newer 22';

/** A sentence about what is wrong with this Node, or null. The end of the range is where uWebSockets.js has no build. */
function problemWith(version) {
  var parts = version.split('.');
  var major = Number(parts[0]);
  var minor = Number(parts[1]);
  if (major === 22 && minor >= 18) return null;
  return (
    'error: Node ' +
    version +
    ' found, ' +
    NEEDED +
    ' needed.\n' +
    '`npm ci` in the project brings the right one along (for Linux and macOS on x64 and arm64); npm and npx then use it:\n' +
    '  npm ci\n' +
    '  npm start                  or: npx the0-runtime ls\n' +
    'If you have done that: optional packages were left out (--omit=optional, --no-optional), or there is none for this\n' +
    'machine; then install Node 22 from https://nodejs.org and try again.'
  );
}

/** The Node that npm has installed for this project; null when it is not there, or runs this already. */
function ownNode() {
  const fs = require('node:fs');
  const link = require('node:path').join(__dirname, '..', '..', 'node_modules', '.bin', 'node');
  if (!fs.existsSync(link)) return null;
  const path = fs.realpathSync(link);
  return path === fs.realpathSync(process.execPath) ? null : path;
}

function refuse(problem) {
  console.error(problem);
  process.exit(1);
}

// By itself (`npm test`) it only looks.
const found = require.main === module ? problemWith(process.versions.node) : null;
if (found !== null) refuse(found);

module.exports = { problemWith: problemWith, ownNode: ownNode, refuse: refuse };
