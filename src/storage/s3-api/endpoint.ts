import { StoreError } from '../object-store.ts';

export interface Endpoint {
  readonly host: string;
  readonly port: number;
  /** As it stands in the `Host` header, which is signed. */
  readonly authority: string;
}

/** `host`, `host:port`, `[::1]:port` (contract 4.2). @throws StoreError `refused` */
export function parseEndpoint(text: string, ssl: boolean): Endpoint {
  const match = /^(?:\[([0-9a-fA-F:.]+)\]|([A-Za-z0-9._-]+))(?::(\d{1,5}))?$/.exec(text);
  const host = match?.[1] ?? match?.[2];
  const usual = ssl ? 443 : 80;
  const port = match?.[3] === undefined ? usual : Number(match[3]);
  if (host === undefined || port < 1 || port > 65_535) {
    throw new StoreError(
      'refused',
      `the store's address must be host:port without a scheme, not ${JSON.stringify(text)}`,
    );
  }
  const name = match?.[1] === undefined ? host : `[${host}]`;
  return { host, port, authority: port === usual ? name : `${name}:${port}` };
}
