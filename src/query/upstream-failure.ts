/** The transport to a bot failed, or what came back is not HTTP. The message goes to whoever asked (contract 8.3). */
export class UpstreamFailure extends Error {
  readonly code = 'upstream-failure';
  override readonly name = 'UpstreamFailure';
}
