import { type Buckets, StoreError } from '../object-store.ts';

/**
 * What a container is that gets keys: the bot itself, or a query's short-lived one beside it, which reads the state and
 * writes none (contract 8.7).
 */
export type CredentialPurpose = 'bot' | 'query';

/** What a policy is made for. */
export interface BotKeys {
  readonly botId: string;
  /** Key of its code archive; nothing else is read of that bucket. */
  readonly codeKey: string;
  readonly purpose: CredentialPurpose;
}

interface Statement {
  readonly Effect: 'Allow';
  readonly Action: readonly string[];
  readonly Resource: readonly string[];
  readonly Condition?: { readonly StringLike: Readonly<Record<string, readonly string[]>> };
}

/** A document of AWS's policy language (https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html). */
export interface BotPolicy {
  readonly Version: '2012-10-17';
  readonly Statement: readonly Statement[];
}

/** Letters that stand for themselves in a policy, and no `/`, so that no bot's folder is inside another's. */
const SAFE_ID = /^(?!\.{1,2}$)[A-Za-z0-9_.:@=+,-]{1,200}$/;
/** `*`, `?` and `$` mean something in a policy; control characters never belong into a key. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what this is about
const UNSAFE_KEY = /[*?$\u0000-\u001f\u007f]/;

/**
 * What the agent of one bot may do in the store, and nothing else: read its code, keep its state and log, leave results of
 * queries (contract 4.1). Copying a part of an object needs the right to read it, so no other bot's can be copied either.
 * Listing is allowed below its own prefix only.
 *
 * @throws StoreError `refused` when the id or the key would mean more than itself in a policy
 */
export function policyFor({ botId, codeKey, purpose }: BotKeys, buckets: Buckets): BotPolicy {
  if (!SAFE_ID.test(botId)) {
    throw new StoreError('refused', 'its id holds characters that stand for others in a policy of the object store');
  }
  if (UNSAFE_KEY.test(codeKey)) {
    throw new StoreError(
      'refused',
      '`custom.filePath` holds characters that stand for others in a policy of the object store',
    );
  }
  const state = `${buckets.state}/${botId}/*`;
  const log = `${buckets.logs}/logs/${botId}/*`;
  const results = `${buckets.queryResults}/${botId}/*`;
  const own =
    purpose === 'query'
      ? [allow(['s3:GetObject'], state)]
      : [
          allow(['s3:GetObject', ...WRITING], state, log),
          // Without it a store does not tell "not there" from "not allowed".
          listing(buckets.logs, `logs/${botId}/*`),
        ];
  return {
    Version: '2012-10-17',
    Statement: [
      allow(['s3:GetObject'], `${buckets.code}/${codeKey}`),
      ...own,
      allow(WRITING, results),
      listing(buckets.code, codeKey),
      listing(buckets.state, `${botId}/*`),
    ],
  };
}

const WRITING = ['s3:PutObject', 's3:AbortMultipartUpload', 's3:ListMultipartUploadParts'];

function allow(Action: readonly string[], ...paths: readonly string[]): Statement {
  return { Effect: 'Allow', Action, Resource: paths.map((path) => `arn:aws:s3:::${path}`) };
}

function listing(bucket: string, prefix: string): Statement {
  return { ...allow(['s3:ListBucket'], bucket), Condition: { StringLike: { 's3:prefix': [prefix] } } };
}
