/**
 * Port: multipart uploads that somebody began and neither completed nor aborted. Their parts take room in the store and no
 * listing of objects shows them. Only the control plane needs it.
 */
export interface UnfinishedUpload {
  readonly bucket: string;
  readonly key: string;
  readonly uploadId: string;
  /** Milliseconds since 1970, by the store's clock. */
  readonly begunAt: number;
}

/** Every method throws StoreError and is bounded in time. */
export interface UnfinishedUploads {
  /** Page by page; nothing when there is no such bucket. MinIO forgets some of them when it restarts, and ends those itself. */
  list(bucket: string, signal?: AbortSignal): AsyncIterable<UnfinishedUpload>;
  /** Of one that has been completed or aborted meanwhile: nothing. */
  abort(upload: UnfinishedUpload, signal?: AbortSignal): Promise<void>;
  /** Ends kept connections. */
  close(): void;
}
