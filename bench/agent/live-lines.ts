import { connect } from 'node:net';

/** Counts the bots whose live log arrives at NATS: whose agents are connected. */
export class LiveLines {
  readonly #socket;
  readonly #subjects = new Set<string>();

  constructor(url: string) {
    const { hostname, port } = new URL(url);
    let rest = '';
    this.#socket = connect(Number(port), hostname, () => {
      this.#socket.write('CONNECT {"verbose":false}\r\nSUB the0.bot.logs.> 1\r\n');
    });
    this.#socket.setEncoding('utf8').on('data', (text: string) => {
      const lines = (rest + text).split('\r\n');
      rest = lines.pop() ?? '';
      for (const line of lines) {
        if (line === 'PING') this.#socket.write('PONG\r\n');
        else if (line.startsWith('MSG ')) this.#subjects.add(line.split(' ')[1] ?? '');
      }
    });
  }

  get bots(): number {
    return this.#subjects.size;
  }

  close(): void {
    this.#socket.destroy();
  }
}
