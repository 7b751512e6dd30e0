import { type ConnectionOptions, connect, type NatsConnection } from 'nats';

export interface ConnectionLimits {
  /** How long one try to connect may take. */
  readonly connectMs: number;
  /** Pause between tries to connect again; there is no last one. */
  readonly reconnectMs: number;
  /** How often a silent server is asked whether it is there. */
  readonly pingMs: number;
}

/**
 * @param servers as contract 1.2: one or more `nats://[user[:password]@|token@]host[:port]`, separated by commas. With one of
 *   `tls://` none is used without TLS; with `nats://` by itself it is used where the server offers it.
 */
export async function connectNats(servers: string, name: string, limits: ConnectionLimits): Promise<NatsConnection> {
  const addresses = servers.split(',').map((server) => {
    const address = server.trim();
    return new URL(address.includes('://') ? address : `nats://${address}`);
  });
  return await connect({
    servers: addresses.map(({ host }) => host),
    ...credentialsOf(addresses),
    ...(addresses.some(({ protocol }) => protocol === 'tls:') ? { tls: {} } : {}),
    name,
    timeout: limits.connectMs,
    reconnect: true,
    maxReconnectAttempts: -1,
    reconnectTimeWait: limits.reconnectMs,
    pingInterval: limits.pingMs,
    maxPingOut: 2,
    // An account that is changed on the server comes back; giving up would make the runtime deaf.
    ignoreAuthErrorAbort: true,
  });
}

/** The client takes them only beside the addresses, the same for all of them. */
function credentialsOf(addresses: readonly URL[]): Partial<ConnectionOptions> {
  const address = addresses.find(({ username }) => username !== '');
  if (address === undefined) return {};
  const user = decodeURIComponent(address.username);
  return address.password === '' ? { token: user } : { user, pass: decodeURIComponent(address.password) };
}
