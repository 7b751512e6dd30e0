/** Shorter strings are too common to be secrets, and masking them would make every sentence unreadable. */
const SHORTEST_SECRET = 4;
const MASK = '***';

/** Replaces secrets in a text; see {@link secretMask}. */
export type SecretMask = (text: string) => string;

/**
 * Hides every string value of the bot's config, and the given secrets, in what the agent says about the bot. Also in the
 * form a value has inside JSON, and line by line, since a detail is a single line.
 */
export function secretMask(botConfig: string, otherSecrets: Iterable<string>): SecretMask {
  const secrets = new Set<string>();
  for (const value of [...stringsOf(botConfig), ...otherSecrets]) {
    for (const form of [value, JSON.stringify(value).slice(1, -1), ...value.split(/\r?\n/)]) {
      if (form.trim().length >= SHORTEST_SECRET) secrets.add(form.trim());
    }
  }
  // The longest first: a secret may hold another one.
  const ordered = [...secrets].sort((a, b) => b.length - a.length);
  return (text) => ordered.reduce((masked, secret) => masked.replaceAll(secret, MASK), text);
}

function stringsOf(botConfig: string): string[] {
  const found: string[] = [];
  try {
    JSON.parse(botConfig, (_key, value: unknown) => {
      if (typeof value === 'string') found.push(value);
      return value;
    });
  } catch {
    // No JSON: it is one secret as a whole. The wrapper refuses it by itself.
    found.push(botConfig);
  }
  return found;
}
