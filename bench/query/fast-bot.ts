/**
 * A bot's query server that costs as little as possible, so that what is measured is what stands before it.
 *
 *     node fast-bot.ts <servers>     prints {"ports":[…]}
 */
import { App, us_socket_local_port } from 'uWebSockets.js';

const servers = Number(process.argv[2] ?? 1);
const answer = '{"status":"ok","data":{"position":3,"symbol":"BTC/USD","prices":[1.5,2.5,3.5]}}';
const ports: number[] = [];
for (let i = 0; i < servers; i += 1) {
  App()
    .any('/*', (response) => {
      response.writeHeader('Content-Type', 'application/json').end(answer);
    })
    .listen('127.0.0.1', 0, (socket) => {
      if (socket !== false) ports.push(us_socket_local_port(socket));
    });
}
console.log(JSON.stringify({ ports }));
