/**
 * Vectors of sixteen times the same byte, in memory. V8 makes a constant vector anew wherever it is used, with four or
 * five instructions; a load from a constant address is one.
 */

// biome-ignore format: one row a vector
const ROWS: usize = memory.data<u64>([
  0x0f0f0f0f0f0f0f0f, 0x0f0f0f0f0f0f0f0f,
  0x1010101010101010, 0x1010101010101010,
  0x1f1f1f1f1f1f1f1f, 0x1f1f1f1f1f1f1f1f,
  0x2020202020202020, 0x2020202020202020,
  0x2222222222222222, 0x2222222222222222,
  0x3030303030303030, 0x3030303030303030,
  0x3f3f3f3f3f3f3f3f, 0x3f3f3f3f3f3f3f3f,
  0x5c5c5c5c5c5c5c5c, 0x5c5c5c5c5c5c5c5c,
  0x6060606060606060, 0x6060606060606060,
  0x7070707070707070, 0x7070707070707070,
  0x8080808080808080, 0x8080808080808080,
  0x8f8f8f8f8f8f8f8f, 0x8f8f8f8f8f8f8f8f,
  0x9090909090909090, 0x9090909090909090,
  0x9a9a9a9a9a9a9a9a, 0x9a9a9a9a9a9a9a9a,
  0x9f9f9f9f9f9f9f9f, 0x9f9f9f9f9f9f9f9f,
  0xa0a0a0a0a0a0a0a0, 0xa0a0a0a0a0a0a0a0,
  0xafafafafafafafaf, 0xafafafafafafafaf,
  0xb0b0b0b0b0b0b0b0, 0xb0b0b0b0b0b0b0b0,
  0xb5b5b5b5b5b5b5b5, 0xb5b5b5b5b5b5b5b5,
  0xb7b7b7b7b7b7b7b7, 0xb7b7b7b7b7b7b7b7,
  0xbfbfbfbfbfbfbfbf, 0xbfbfbfbfbfbfbfbf,
  0xc0c0c0c0c0c0c0c0, 0xc0c0c0c0c0c0c0c0,
  0xc2c2c2c2c2c2c2c2, 0xc2c2c2c2c2c2c2c2,
  0xc3c3c3c3c3c3c3c3, 0xc3c3c3c3c3c3c3c3,
  0xcececececececece, 0xcececececececece,
  0xcfcfcfcfcfcfcfcf, 0xcfcfcfcfcfcfcfcf,
  0xd0d0d0d0d0d0d0d0, 0xd0d0d0d0d0d0d0d0,
  0xd1d1d1d1d1d1d1d1, 0xd1d1d1d1d1d1d1d1,
  0xe0e0e0e0e0e0e0e0, 0xe0e0e0e0e0e0e0e0,
  0xfefefefefefefefe, 0xfefefefefefefefe,
], 16);
export const ALL_0F: usize = ROWS;
export const ALL_10: usize = ROWS + 16;
export const ALL_1F: usize = ROWS + 32;
export const ALL_20: usize = ROWS + 48;
export const ALL_22: usize = ROWS + 64;
export const ALL_30: usize = ROWS + 80;
export const ALL_3F: usize = ROWS + 96;
export const ALL_5C: usize = ROWS + 112;
export const ALL_60: usize = ROWS + 128;
export const ALL_70: usize = ROWS + 144;
export const ALL_80: usize = ROWS + 160;
export const ALL_8F: usize = ROWS + 176;
export const ALL_90: usize = ROWS + 192;
export const ALL_9A: usize = ROWS + 208;
export const ALL_9F: usize = ROWS + 224;
export const ALL_A0: usize = ROWS + 240;
export const ALL_AF: usize = ROWS + 256;
export const ALL_B0: usize = ROWS + 272;
export const ALL_B5: usize = ROWS + 288;
export const ALL_B7: usize = ROWS + 304;
export const ALL_BF: usize = ROWS + 320;
export const ALL_C0: usize = ROWS + 336;
export const ALL_C2: usize = ROWS + 352;
export const ALL_C3: usize = ROWS + 368;
export const ALL_CE: usize = ROWS + 384;
export const ALL_CF: usize = ROWS + 400;
export const ALL_D0: usize = ROWS + 416;
export const ALL_D1: usize = ROWS + 432;
export const ALL_E0: usize = ROWS + 448;
export const ALL_FE: usize = ROWS + 464;
