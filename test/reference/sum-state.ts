/** The bytes of a sum's state, written a second time from the table in `docs/engine.md`, one byte after the other. */
import type { Decimal } from './exact-sum.js';

function bigEndian(value: bigint, count: number): number[] {
  return Array.from({ length: count }, (_, index) => Number((value >> BigInt(8 * (count - 1 - index))) & 0xffn));
}

/** @param sum with no decimal zero at the end of its digits */
export function stateBytes({ digits, exponent, tails }: Decimal): Uint8Array {
  const magnitude = digits < 0n ? -digits : digits;
  let count = 0;
  while (magnitude >> BigInt(8 * count) > 0n) count++;
  return Uint8Array.from([
    1,
    digits < 0n ? 1 : 0,
    ...bigEndian(BigInt(exponent), 2),
    ...bigEndian(BigInt(tails), 8),
    ...bigEndian(magnitude, count),
  ]);
}
