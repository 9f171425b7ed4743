/** CRC-32C (Castagnoli), as in RFC 3720, appendix B.4: polynomial 0x1edc6f41, reflected. `zlib.crc32` is another one. */

const reflectedPolynomial = 0x82f63b78;

const table = makeTable();

/** @param before what it was of the bytes before these, or 0 */
export function crc32c(bytes: Uint8Array, before = 0): number {
  let crc = ~before;
  for (const byte of bytes) crc = table[(crc ^ byte) & 0xff]! ^ (crc >>> 8);
  return ~crc >>> 0;
}

function makeTable(): Uint32Array {
  return Uint32Array.from({ length: 256 }, (_, byte) => {
    let crc = byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc & 1) === 0 ? crc >>> 1 : (crc >>> 1) ^ reflectedPolynomial;
    return crc;
  });
}
