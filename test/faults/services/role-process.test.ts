import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createProgram } from '../../../src/commands/program.ts';
import { BOT_RUNNER, BOT_SCHEDULER, QUERY_SERVER } from '../../../src/commands/roles.ts';
import { flagsOf } from '../../../src/commands/verb.ts';
import { loadSettings } from '../../../src/config/load-settings.ts';
import { ROLE_NAMES, roleWords } from './role-process.ts';

// A role that is told a flag which is not there ends at once, and only hours of searching would show it.
for (const name of ROLE_NAMES) {
  test(`${name} knows every flag that the search for faults gives it, and can read its value`, async () => {
    const words = roleWords(name, '/tmp/somewhere');
    const { program } = await createProgram(words);
    const command = program.commands.find((one) => one.name() === name);
    assert.ok(command !== undefined);
    assert.deepEqual(command.parseOptions([...words.slice(1)]), { operands: [], unknown: [] });
    const role = [BOT_RUNNER, BOT_SCHEDULER, QUERY_SERVER].find((one) => one.name === name);
    const { settings, warnings } = loadSettings({}, flagsOf(command), role?.defaults);
    assert.deepEqual(warnings, []);
    assert.equal(settings.dataDir, '/tmp/somewhere');
  });
}
