/**
 * Tokens: 256 random bits that the server makes, with a prefix by which people and scanners of leaked secrets know them.
 * Only their SHA-256 is kept. Nobody guesses such a token, so a slow hash would add nothing but work for who is attacked.
 */
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';

const tokenPrefix = 'trama_';
const tokenBytes = 32;

/** Whatever is longer is no token, and is not hashed. */
export const tokenLengthMax = 256;

export function newToken(): string {
  return tokenPrefix + randomBytes(tokenBytes).toString('base64url');
}

/** What is kept of a token: its SHA-256, in hexadecimal digits. */
export function digestOf(token: string): string {
  return createHash('sha256').update(token).digest('hex');
}

/** Compares two digests in a time that does not depend on where they differ. */
export function isSameDigest(one: string, other: string): boolean {
  const [a, b] = [Buffer.from(one, 'latin1'), Buffer.from(other, 'latin1')];
  return a.length === b.length && timingSafeEqual(a, b);
}
