import { type ObjectPlace, type ObjectStore, StoreError } from '../../storage/object-store.ts';
import type { QueryRunEnd } from './query-question.ts';

/** The result of a run that the agent has put into the object store. Never rejects: why there is none is told. */
export async function readStoredResult(
  store: ObjectStore,
  place: ObjectPlace,
  mostBytes: number,
  signal: AbortSignal,
): Promise<Pick<QueryRunEnd, 'result' | 'resultTrouble'>> {
  const none = (resultTrouble: string) => ({ result: null, resultTrouble });
  try {
    const content = await store.read(place, { signal });
    if (content === null) return none('the query program has left none');
    const { size } = content.info;
    const pieces: Buffer[] = [];
    for await (const piece of content.body) {
      if (size > mostBytes) return none(`it has ${size} bytes, at most ${mostBytes} are allowed (limit answerBytes)`);
      pieces.push(piece);
    }
    return { result: Buffer.concat(pieces), resultTrouble: null };
  } catch (error) {
    if (error instanceof StoreError) return none(error.message);
    throw error;
  }
}
