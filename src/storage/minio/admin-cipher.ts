/**
 * How bodies of MinIO's admin API are encrypted, under the secret key of whoever calls (madmin-go, `encrypt.go`; sio-go):
 *
 *     salt 32 B │ algorithm 1 B │ nonce 8 B │ fragment │ fragment │ … │ last fragment
 *
 * A fragment is at most 16 KiB of plain text and its tag of 16 B, sealed with the nonce and the fragment's number. Authenticated
 * with it: whether it is the last, and the tag of nothing at all under number 0, so that none can be left out or put elsewhere.
 */
import {
  type CipherChaCha20Poly1305Types,
  type CipherGCMTypes,
  createCipheriv,
  createDecipheriv,
  pbkdf2,
  randomBytes,
} from 'node:crypto';
import { promisify } from 'node:util';

const SALT_BYTES = 32;
const NONCE_BYTES = 8;
const TAG_BYTES = 16;
const FRAGMENT_BYTES = 16 * 1024;
const KEY_BYTES = 32;
const HEADER_BYTES = SALT_BYTES + 1 + NONCE_BYTES;

const ARGON2_AES = 0x00;
const ARGON2_CHACHA = 0x01;
const PBKDF2_AES = 0x02;

const PBKDF2_ROUNDS = 8192;
const ARGON2 = { t: 1, m: 64 * 1024, p: 4, dkLen: KEY_BYTES } as const;

type Algorithm = CipherGCMTypes | CipherChaCha20Poly1305Types;

/** Seals under one secret. The key is derived once, because that takes milliseconds; every message has a nonce of its own. */
export class AdminSeal {
  readonly #secret: string;
  readonly #salt = randomBytes(SALT_BYTES);
  #key: Promise<Buffer> | null = null;

  constructor(secret: string) {
    this.#secret = secret;
  }

  async seal(plain: Buffer): Promise<Buffer> {
    this.#key ??= promisify(pbkdf2)(this.#secret, this.#salt, PBKDF2_ROUNDS, KEY_BYTES, 'sha256');
    const nonce = randomBytes(NONCE_BYTES);
    const fragments = new Fragments('aes-256-gcm', await this.#key, nonce);
    const parts: Buffer[] = [this.#salt, Buffer.of(PBKDF2_AES), nonce];
    let at = 0;
    do {
      const end = Math.min(plain.length, at + FRAGMENT_BYTES);
      parts.push(fragments.seal(plain.subarray(at, end), end === plain.length));
      at = end;
    } while (at < plain.length);
    return Buffer.concat(parts);
  }
}

/** @throws Error when it is not sealed under this secret, or was changed */
export async function openSealed(secret: string, sealed: Buffer): Promise<Buffer> {
  if (sealed.length < HEADER_BYTES + TAG_BYTES) throw new Error('the answer is too short to be sealed');
  const salt = sealed.subarray(0, SALT_BYTES);
  const nonce = sealed.subarray(SALT_BYTES + 1, HEADER_BYTES);
  const { algorithm, key } = await keyFor(sealed[SALT_BYTES], secret, salt);
  const fragments = new Fragments(algorithm, key, nonce);
  const parts: Buffer[] = [];
  for (let at = HEADER_BYTES; at < sealed.length; ) {
    const end = Math.min(sealed.length, at + FRAGMENT_BYTES + TAG_BYTES);
    parts.push(fragments.open(sealed.subarray(at, end), end === sealed.length));
    at = end;
  }
  return Buffer.concat(parts);
}

async function keyFor(
  id: number | undefined,
  secret: string,
  salt: Buffer,
): Promise<{ algorithm: Algorithm; key: Buffer }> {
  if (id === PBKDF2_AES) {
    return {
      algorithm: 'aes-256-gcm',
      key: await promisify(pbkdf2)(secret, salt, PBKDF2_ROUNDS, KEY_BYTES, 'sha256'),
    };
  }
  if (id !== ARGON2_AES && id !== ARGON2_CHACHA) throw new Error('the answer is sealed in an unknown way');
  // For a rare caller; Node 22 has no Argon2.
  const { argon2idAsync } = await import('@noble/hashes/argon2.js');
  const key = Buffer.from(await argon2idAsync(secret, salt, ARGON2));
  return { algorithm: id === ARGON2_AES ? 'aes-256-gcm' : 'chacha20-poly1305', key };
}

class Fragments {
  readonly #algorithm: Algorithm;
  readonly #key: Buffer;
  readonly #nonce: Buffer;
  /** The tag of nothing. */
  readonly #stream: Buffer;
  #number = 0;

  constructor(algorithm: Algorithm, key: Buffer, nonce: Buffer) {
    this.#algorithm = algorithm;
    this.#key = key;
    this.#nonce = nonce;
    const cipher = this.#cipher();
    cipher.final();
    this.#stream = cipher.getAuthTag();
  }

  seal(plain: Buffer, isLast: boolean): Buffer {
    this.#number++;
    const cipher = this.#cipher();
    cipher.setAAD(this.#context(isLast), { plaintextLength: plain.length });
    return Buffer.concat([cipher.update(plain), cipher.final(), cipher.getAuthTag()]);
  }

  open(sealed: Buffer, isLast: boolean): Buffer {
    this.#number++;
    const length = Math.max(0, sealed.length - TAG_BYTES);
    const options = { authTagLength: TAG_BYTES };
    const decipher =
      this.#algorithm === 'chacha20-poly1305'
        ? createDecipheriv(this.#algorithm, this.#key, this.#iv(), options)
        : createDecipheriv('aes-256-gcm', this.#key, this.#iv(), options);
    decipher.setAAD(this.#context(isLast), { plaintextLength: length });
    decipher.setAuthTag(sealed.subarray(length));
    return Buffer.concat([decipher.update(sealed.subarray(0, length)), decipher.final()]);
  }

  #cipher() {
    const options = { authTagLength: TAG_BYTES };
    return this.#algorithm === 'chacha20-poly1305'
      ? createCipheriv(this.#algorithm, this.#key, this.#iv(), options)
      : createCipheriv('aes-256-gcm', this.#key, this.#iv(), options);
  }

  #context(isLast: boolean): Buffer {
    return Buffer.concat([Buffer.of(isLast ? 0x80 : 0x00), this.#stream]);
  }

  #iv(): Buffer {
    const number = Buffer.alloc(4);
    number.writeUInt32LE(this.#number);
    return Buffer.concat([this.#nonce, number]);
  }
}
