/** Comlink ships this file without a module declaration that a program without DOM types can use. */
declare module 'comlink/dist/esm/node-adapter.mjs' {
  import type { Endpoint } from 'comlink';

  /** A Node port or worker, as much of it as comlink needs. */
  interface NodeEndpoint {
    postMessage(message: unknown, transfer?: readonly never[]): void;
    on(type: 'message', listener: (value: unknown) => void): unknown;
    off(type: 'message', listener: (value: unknown) => void): unknown;
    start?: () => void;
  }

  export default function nodeEndpoint(endpoint: NodeEndpoint): Endpoint;
}
