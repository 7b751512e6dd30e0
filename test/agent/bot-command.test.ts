import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type BotCommand, botCommand, queryCommand } from '../../src/agent/bot-command.ts';

function words(command: BotCommand): string {
  return [command.program, ...command.args].join(' ');
}

const at = (runtime: string) => ({ runtime, codePath: '/bot', wrappersPath: '/app/wrappers' });

// Contract 6.5.
const TABLE: readonly (readonly [runtime: string, entrypoint: string, bot: string, query: string])[] = [
  ['python3.11', 'main.py', 'python3 /app/wrappers/python_bot.py', 'python3 main.py'],
  ['nodejs20', 'main.js', 'node /app/wrappers/node_bot.js', 'node main.js'],
  ['dotnet8', 'out/Bot.dll', 'dotnet out/Bot.dll', 'dotnet out/Bot.dll'],
  ['dotnet8', 'project', 'dotnet run --project project', 'dotnet run --project project'],
  ['rust-stable', 'target/release/bot', '/bot/target/release/bot', '/bot/target/release/bot'],
  ['gcc13', 'build/bot', '/bot/build/bot', '/bot/build/bot'],
  ['cpp-gcc13', 'build/bot', '/bot/build/bot', '/bot/build/bot'],
  ['ghc96', 'bin/bot', '/bot/bin/bot', '/bot/bin/bot'],
  ['scala3', 'bot.jar', 'java -jar bot.jar', 'java -jar bot.jar'],
  ['scala3', 'bot.jar:a.b.Main', 'java -cp bot.jar a.b.Main', 'java -cp bot.jar a.b.Main'],
  ['other', 'some-program', 'some-program', 'some-program'],
];

for (const [runtime, entrypoint, bot, query] of TABLE) {
  test(`${runtime} runs ${entrypoint} as the contract says`, () => {
    assert.equal(words(botCommand(at(runtime), entrypoint)), bot);
    assert.equal(words(queryCommand(at(runtime), entrypoint)), query);
  });
}

test('the file that must exist is the jar, without the class in it', () => {
  assert.equal(botCommand(at('scala3'), 'lib/bot.jar:a.Main').file, '/bot/lib/bot.jar');
});

test('a program that is looked up in PATH is no file of the bot', () => {
  assert.equal(botCommand(at('other'), 'some-program').file, null);
});
