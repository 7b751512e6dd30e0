import type { Piece, PieceLimits } from './object-store.ts';
import { type StoreCall, storeFailure } from './store-failure.ts';

export function pieceBytes(piece: Piece): number {
  return piece.kind === 'kept' ? piece.range.to - piece.range.from : piece.body.size;
}

/** Before anything is sent: S3 itself finds a part too small only at the very end. @throws StoreError `refused` */
export function checkPieces(call: StoreCall, pieces: readonly Piece[], limits: PieceLimits): void {
  if (pieces.length === 0) throw storeFailure('refused', call, 'there are no pieces');
  if (pieces.length > limits.mostPieces) {
    throw storeFailure('refused', call, `${pieces.length} pieces are more than ${limits.mostPieces}`);
  }
  for (const [index, piece] of pieces.entries()) {
    const bytes = pieceBytes(piece);
    const isLast = index === pieces.length - 1;
    if (piece.kind === 'kept' && (piece.range.from < 0 || bytes <= 0)) {
      throw storeFailure('refused', call, `piece ${index + 1} keeps nothing`);
    }
    if (bytes > limits.maxPieceBytes || (!isLast && bytes < limits.minPieceBytes)) {
      throw storeFailure('refused', call, `piece ${index + 1} has ${bytes} bytes`);
    }
  }
}
