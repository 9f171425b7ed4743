/** Well-formed UTF-8 (Unicode 16, table 3-7): no overlong form, no surrogate, nothing above U+10FFFF. */
import { grammarFault, Why } from './fault';

// @ts-ignore: decorator
@inline
function isContinuation(byte: u8): bool {
  return (byte & 0xc0) == 0x80;
}

/** `p` is at a byte ≥ 0x80. Answers the address of the next byte below 0x80, or 0 with the fault kept. */
export function skipCodePoints(p: usize): usize {
  while (true) {
    const lead = load<u8>(p);
    if (lead < 0x80) return p;
    const second = load<u8>(p, 1);
    if (lead < 0xe0) {
      if (lead < 0xc2 || !isContinuation(second)) return grammarFault(Why.BAD_UTF8, p);
      p += 2;
    } else if (lead < 0xf0) {
      // E0 would be overlong below A0; ED from A0 on would be a surrogate.
      const wrong = lead == 0xe0 ? second < 0xa0 : lead == 0xed && second > 0x9f;
      if (wrong || !isContinuation(second) || !isContinuation(load<u8>(p, 2))) return grammarFault(Why.BAD_UTF8, p);
      p += 3;
    } else {
      // F0 would be overlong below 90; F4 from 90 on would be above U+10FFFF.
      const wrong = lead == 0xf0 ? second < 0x90 : lead == 0xf4 ? second > 0x8f : lead > 0xf4;
      if (wrong || !isContinuation(second) || !isContinuation(load<u8>(p, 2)) || !isContinuation(load<u8>(p, 3))) {
        return grammarFault(Why.BAD_UTF8, p);
      }
      p += 4;
    }
  }
}
