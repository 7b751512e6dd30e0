import { BSON, MongoAPIError, MongoError, MongoServerError } from 'mongodb';

/** Something about MongoDB that is not one bot's. The message says what, `hint` what to do. */
export class MongoTroubleError extends Error {
  readonly code:
    | 'mongodb-address'
    | 'mongodb-unreachable'
    | 'mongodb-index'
    | 'mongodb-lease'
    | 'mongodb-run-ledger'
    | 'mongodb-change-stream'
    | 'bot-document-without-id'
    | 'bot-document-duplicate'
    | 'bot-id-in-both-kinds';
  readonly hint: string;

  constructor(code: MongoTroubleError['code'], message: string, hint: string, options?: { cause?: unknown }) {
    super(message, options);
    this.name = 'MongoTroubleError';
    this.code = code;
    this.hint = hint;
  }
}

const CHECK_IT = 'Is MongoDB up, and are its address and password right (MONGO_URI, --mongo-uri)?';

/** @param what ends the sentence "MongoDB cannot …" */
export function cannot(what: string, cause: unknown): MongoTroubleError {
  return new MongoTroubleError('mongodb-unreachable', `MongoDB cannot ${what} (${meaningOf(cause)})`, CHECK_IT);
}

/**
 * An error of the driver without what may be secret: messages of servers and of the BSON writer quote documents, those of
 * the driver addresses.
 */
export function meaningOf(error: unknown): string {
  if (error instanceof MongoServerError) return `${error.codeName ?? 'error'} ${error.code ?? ''}`.trim();
  if (!(error instanceof Error)) return 'unknown error';
  if (error instanceof BSON.BSONError) return error.name;
  return `${error.name}: ${error.message.replaceAll(/\/\/[^@/\s]*@/g, '//***@').slice(0, 200)}`;
}

export function isDuplicate(error: unknown): boolean {
  return error instanceof MongoServerError && error.code === 11_000;
}

/** NamespaceNotFound: no such collection. IndexNotFound: somebody else has dropped it. */
export function isNotThere(error: unknown): boolean {
  return error instanceof MongoServerError && (error.code === 26 || error.code === 27);
}

/** What a server says of a command it does not have, or not in this kind of set-up (a change stream needs a replica set). */
const UNSUPPORTED: ReadonlySet<unknown> = new Set([59, 115, 238, 303, 40_324, 40_573]);

export function isUnsupported(error: unknown): boolean {
  return error instanceof MongoServerError && UNSUPPORTED.has(error.code);
}

/**
 * BadValue, FailedToParse, TypeMismatch, Overflow, Dollar…, EmptyFieldName, DottedFieldName, DocumentValidationFailure (the
 * collection has a validator), too large.
 */
const REFUSED: ReadonlySet<unknown> = new Set([2, 9, 14, 15, 52, 55, 56, 57, 121, 10_334, 17_280, 17_419, 17_420]);

/** Whether this document can never be written, however often it is tried. */
export function isRefusedForEver(error: unknown): boolean {
  if (error instanceof MongoServerError) return REFUSED.has(error.code);
  if (error instanceof BSON.BSONError) return true;
  // Too large for the driver's own buffer, for instance.
  return error instanceof RangeError && !(error instanceof MongoError) && !(error instanceof MongoAPIError);
}
