/** Someone else listens on the query port. */
export class PortInUse extends Error {
  readonly code = 'port-in-use';
  override readonly name = 'PortInUse';
  readonly hint: string;

  constructor(host: string, port: number, options?: ErrorOptions) {
    super(`port ${port} on ${host} is in use by another program, so queries cannot be answered there`, options);
    this.hint = `stop what listens there (another runtime, perhaps; on Linux: ss -ltnp 'sport = :${port}'), or choose another port with --query-port`;
  }
}

/** The query port cannot be bound for another reason: no such address, or no permission. */
export class PortUnusable extends Error {
  readonly code = 'port-unusable';
  override readonly name = 'PortUnusable';
  readonly hint =
    'check the host and port for queries: the host must be an address of this machine, ports below 1024 need privileges';

  constructor(host: string, port: number, detail: string, options?: ErrorOptions) {
    super(`cannot listen for queries on port ${port} of ${host}: ${detail}`, options);
  }
}

/** A query thread ended, or could not start. */
export class QueryThreadFailed extends Error {
  readonly code = 'query-thread-failed';
  override readonly name = 'QueryThreadFailed';
}
