/** From a scheme to the last `@`: a password may hold one that is not encoded, but no white space, quote or second address. */
const USER_INFO = /([a-z][a-z0-9+.-]*:\/\/)((?:(?!,?[a-z][a-z0-9+.-]*:\/\/)[^\s"'`<>])*)@/gi;
const SECRET_PARAMETER = /([?&;,](?:[a-z_]*(?:password|passwd|secret|token|credential)[a-z_]*)[=:])[^&\s"'`<>]+/gi;

/**
 * The text with every password in an address replaced by `***` (contract 1.4). What stands alone before the `@` goes too:
 * it is the token of a NATS server.
 */
export function redactUrls(text: string): string {
  return text
    .replace(USER_INFO, (_all, scheme: string, userInfo: string) => {
      const colon = userInfo.indexOf(':');
      return colon < 0 ? `${scheme}***@` : `${scheme}${userInfo.slice(0, colon)}:***@`;
    })
    .replace(SECRET_PARAMETER, '$1***');
}
