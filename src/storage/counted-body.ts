import type { Body } from './object-store.ts';

/** The same bytes; each is told when it is taken, which is when it is about to travel: again, when it is read again. */
export function countedBody(body: Body, onRead: (bytes: number) => void): Body {
  return {
    size: body.size,
    async *read() {
      for await (const chunk of body.read()) {
        onRead(chunk.length);
        yield chunk;
      }
    },
  };
}
