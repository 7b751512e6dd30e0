import { type StoreCall, storeFailure } from './store-failure.ts';

/** S3's own limit for names and values together, in bytes. */
export const MOST_METADATA_BYTES = 2048;

const NAME = /^[a-z0-9][a-z0-9-]{0,127}$/;
/** What every HTTP header carries unchanged. */
const VALUE = /^(?:[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?)?$/;

/**
 * Metadata travels as HTTP headers; what those do not carry unchanged is refused by every adapter alike.
 * @throws StoreError `refused`
 */
export function checkMetadata(call: StoreCall, metadata: Readonly<Record<string, string>>): void {
  let bytes = 0;
  for (const [name, value] of Object.entries(metadata)) {
    if (!NAME.test(name)) throw storeFailure('refused', call, `metadata has the name ${JSON.stringify(name)}`);
    if (!VALUE.test(value)) throw storeFailure('refused', call, `metadata ${name} is not plain ASCII`);
    bytes += name.length + value.length;
  }
  if (bytes > MOST_METADATA_BYTES) {
    throw storeFailure('refused', call, `metadata has ${bytes} bytes, more than ${MOST_METADATA_BYTES}`);
  }
}
