/**
 * A small seeded generator, so that every run measures the same data.
 * Mulberry32 by Tommy Ettinger (2017), public domain. Numbers in [0, 1) with 32 random bits.
 */
export function seededRandom(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** A number in [0, 1) with all 53 bits, so that most need 16 or 17 digits. */
export function fullDouble(random: () => number): number {
  return (random() * 2 ** 32 * 2 ** 21 + Math.floor(random() * 2 ** 21)) / 2 ** 53;
}
