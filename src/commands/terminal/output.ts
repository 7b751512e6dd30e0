import { asCalledHere } from './own-name.ts';
import { plainJson } from './plain-text.ts';
import { type Style, styleFor } from './style.ts';

export const outStyle: Style = styleFor(process.stdout, process.env);
export const errStyle: Style = styleFor(process.stderr, process.env);

/** Results go to stdout, as they are. */
export function print(text: string): void {
  process.stdout.write(text);
}

export function printJson(value: unknown): void {
  print(`${plainJson(value)}\n`);
}

/** Everything beside the result (progress, warnings, errors) goes to stderr, so that a pipe gets only the result. */
export function note(text: string): void {
  process.stderr.write(asCalledHere(text));
}

/** `the0-runtime logs bot | head`: whoever read the output has seen enough, which is no failure. */
export function endWhenReaderLeaves(): void {
  process.stdout.on('error', (error) => {
    if ('code' in error && error.code === 'EPIPE') process.exit(0);
    throw error;
  });
}
