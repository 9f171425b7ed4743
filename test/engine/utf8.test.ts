/** UTF-8 as the engine checks it, sixteen bytes at a time, held against the table of the standard, byte by byte. */
import * as assert from 'uvu/assert';
import { builds } from '../support/engines.js';
import { Random } from '../support/random.js';
import { forSeeds } from '../support/seed.js';
import { suite } from '../support/suite.js';

const test = suite('engine: UTF-8');

/** Unicode 16, table 3-7: first bytes from … to …, the same for the second byte, and the number of bytes. */
const wellFormed = [
  [0x00, 0x7f, 0, 0xff, 1],
  [0xc2, 0xdf, 0x80, 0xbf, 2],
  [0xe0, 0xe0, 0xa0, 0xbf, 3],
  [0xe1, 0xec, 0x80, 0xbf, 3],
  [0xed, 0xed, 0x80, 0x9f, 3],
  [0xee, 0xef, 0x80, 0xbf, 3],
  [0xf0, 0xf0, 0x90, 0xbf, 4],
  [0xf1, 0xf3, 0x80, 0xbf, 4],
  [0xf4, 0xf4, 0x80, 0x8f, 4],
] as const;

/** Where the first character begins that is none, or −1. */
function firstFault(bytes: Uint8Array): number {
  for (let place = 0; place < bytes.length; ) {
    const row = wellFormed.find(([from, to]) => bytes[place]! >= from && bytes[place]! <= to);
    if (row === undefined) return place;
    const [, , from, to, length] = row;
    const rest = bytes.subarray(place + 1, place + length);
    const isWhole =
      rest.length === length - 1 &&
      rest.every((byte, index) => {
        return index === 0 ? byte >= from && byte <= to : byte >= 0x80 && byte <= 0xbf;
      });
    if (!isWhole) return place;
    place += length;
  }
  return -1;
}

const quote = Buffer.from('"');
const isText = (byte: number) => byte >= 0x20 && byte !== 0x22 && byte !== 0x5c;
const latest = [0x20, 0x7f, 0x80, 0x8f, 0x90, 0xbf, 0xc2, 0xe1, 0xff];
/** Before the bytes in question, so that they come at every place of a vector, and after each kind of character. */
const fronts = ['', 'x', 'é', '語', '😀'].map((each) => Buffer.from(each));

for (const { name, engine } of builds) {
  const check = (text: Uint8Array) => {
    const fault = firstFault(text);
    const found = engine.check(Buffer.concat([quote, text, quote]));
    const wanted = fault < 0 ? -1 : fault + 1;
    if (found !== wanted) assert.unreachable(`${Buffer.from(text).toString('hex')}: ${found}, not ${wanted}`);
  };

  test(`${name}: any two bytes, and those behind them that matter`, { timeoutMs: 120_000 }, () => {
    for (let first = 0x20; first <= 0xff; first++) {
      for (let second = 0x20; second <= 0xff; second++) {
        const front = Buffer.from('語'.repeat((first + second) % 7));
        for (const third of latest) {
          const four = [first, second, third, latest[(second + third) % latest.length]!];
          if (four.every(isText)) check(Buffer.concat([front, Buffer.from(four)]));
        }
      }
    }
  });

  test(`${name}: a broken character at every place of a vector, whatever stands before and behind it`, {
    timeoutMs: 60_000,
  }, () => {
    const broken = ['80', 'c3', 'c0af', 'e0', 'e4b8', 'e09fbf', 'eda080', 'f09f98', 'f0808080', 'f4908080', 'f5808080'];
    for (const front of fronts) {
      for (let times = 0; times < 40; times++) {
        for (const hex of ['', ...broken]) {
          const head = [...Array<Buffer>(times).fill(front), Buffer.from(hex, 'hex')];
          for (const tail of ['', 'x', 'é', '語語語語語語', 'x'.repeat(20)])
            check(Buffer.concat([...head, Buffer.from(tail)]));
        }
      }
    }
  });

  test(`${name}: text with a byte changed`, { timeoutMs: 60_000 }, () => {
    forSeeds(3_000, 100_000, (seed) => {
      const random = new Random(seed);
      const pieces = Array.from({ length: 1 + random.integer(0, 39) }, () => random.pick(fronts));
      const text = Buffer.concat(pieces);
      if (text.length === 0) return;
      text[random.integer(0, text.length - 1)] = random.integer(0, 255);
      if ([...text].every(isText)) check(text);
    });
  });
}

test.run();
