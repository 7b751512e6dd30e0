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

var problem = problemWith(process.versions.node);
if (problem !== null) {
  console.error(problem);
  process.exit(1);
}

module.exports = { problemWith: problemWith };
