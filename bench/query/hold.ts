/**
 * Asks a bot that never answers, again whenever the query runs out, so that so many are in flight all the time.
 *
 *     node hold.ts <port> <queries> <bot>     prints {"held":…}, ends with its stdin
 */
const [port, queries = 0, bot] = [process.argv[2], Number(process.argv[3]), process.argv[4]];
const body = JSON.stringify({ bot_id: bot, query_path: '/never', timeout_sec: 60 });

for (let i = 0; i < queries; i += 1) void hold();
console.log(JSON.stringify({ held: queries }));
process.stdin.on('end', () => process.exit(0)).resume();

async function hold(): Promise<never> {
  for (;;) {
    const response = await fetch(`http://127.0.0.1:${port}/query`, { method: 'POST', body });
    await response.text();
  }
}
