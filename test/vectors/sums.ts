/**
 * Arrays of numbers in which an error of a sum would show: families of them, each made from a seed. Every token is a
 * JSON number; some arrays have a number or a sum that no binary64 is near to.
 */
import type { Random } from '../support/random.js';

type Family = (random: Random) => string[];

const list = (random: Random, most: number, item: () => string): string[] =>
  Array.from({ length: random.size(1, most) }, item);

const sign = (random: Random) => (random.oneIn(3) ? '-' : '');

export const negated = (token: string) => (token.startsWith('-') ? token.slice(1) : `-${token}`);

/** Puts a point into digits, `fraction` places before their end, and takes away what JSON does not allow in front. */
function pointed(digits: string, fraction: number): string {
  const padded = digits.padStart(fraction + 1, '0');
  const whole = padded.slice(0, padded.length - fraction).replace(/^0+(?=\d)/, '');
  return fraction === 0 ? whole : `${whole}.${padded.slice(-fraction)}`;
}

function power(random: Random, exponent: number): string {
  if (exponent === 0 && random.oneIn(2)) return '';
  const mark = exponent < 0 ? '-' : random.pick(['', '+']);
  return `${random.pick(['e', 'E'])}${mark}${random.oneIn(8) ? '000' : ''}${Math.abs(exponent)}`;
}

/** A number of `count` digits whose first stands near 10^`top`, written in one of many ways. */
function anyNumber(random: Random, count: number, top: number): string {
  const fraction = random.pick([0, count, random.integer(0, count), random.integer(0, count + 40)]);
  const exponent = top - (count - fraction) + 1;
  return `${sign(random)}${pointed(random.digits(count), fraction)}${power(random, exponent)}`;
}

/** An exact decimal of `numerator`·2^`binary`. */
function exactBinary(numerator: bigint, binary: number): string {
  if (binary >= 0) return String(numerator << BigInt(binary));
  const text = String(numerator * 5n ** BigInt(-binary));
  return text === '0' ? '0' : `${text}e${binary}`;
}

const digitStrings: Family = (random) =>
  list(random, 12, () => anyNumber(random, random.size(1, 2000), random.integer(-40, 300)));

const smallDigitStrings: Family = (random) =>
  list(random, 60, () => anyNumber(random, random.integer(1, 40), random.integer(-20, 30)));

const wholeRange: Family = (random) =>
  list(random, 30, () => anyNumber(random, random.integer(1, 30), random.integer(-345, 307)));

/** Exponents around the last exact place, around the fast path's limits, and beyond all counting. */
const farOutside: Family = (random) =>
  list(random, 12, () =>
    random.pick([
      () => anyNumber(random, random.integer(1, 60), random.integer(-1260, -1150)),
      () => anyNumber(random, random.integer(1, 20), random.integer(-1020, -980)),
      () => `${sign(random)}${random.digits(3).replace(/^0+(?=\d)/, '')}e-${random.size(1, 10)}${random.digits(30)}`,
      () => `${sign(random)}0${random.oneIn(2) ? '.000' : ''}e${random.pick(['', '+', '-'])}${random.digits(25)}`,
      () => `${sign(random)}0.${'0'.repeat(random.integer(1190, 1210))}${random.digits(3)}`,
      () => String(9007199254740993n + 2n * BigInt(random.integer(0, 3))),
      () => (random.oneIn(20) ? `1e${random.integer(309, 999_999)}` : '1'),
      () => `0.${'0'.repeat(400)}${1 + random.integer(0, 8)}e${random.integer(390, 420)}`,
    ])(),
  );

/** Large terms in pairs that leave a tiny rest. */
const cancellation: Family = (random) => {
  const large = list(random, 12, () => anyNumber(random, random.size(1, 200), random.integer(0, 307)));
  const rest = list(random, 3, () => anyNumber(random, random.integer(1, 20), random.integer(-340, 3)));
  return random.shuffled([...large, ...large.map(negated), ...rest]);
};

/** A tie behind the 53rd bit, itself or one unit of the 2,000th digit (or of another place) to either side; split in parts. */
const ties: Family = (random) => {
  const shift = random.pick([0, random.integer(-60, 60), random.integer(-1000, 900)]);
  const half = (1n << 53n) | random.bits(53) | 1n;
  const mark = sign(random);
  const tie = `${mark}${exactBinary(half, shift)}`;
  const digits = /^-?(\d+)/.exec(tie)![1]!.length;
  const place =
    Number(/e(-?\d+)$/.exec(tie)?.[1] ?? 0) + digits - random.pick([2000, 2000, random.size(digits + 1, 1900)]);
  const nudge = random.pick([[], [`1e${place}`], [`-1e${place}`]]);
  if (random.oneIn(2)) return random.shuffled([tie, ...nudge]);
  const part = anyNumber(random, random.integer(1, 30), random.integer(-30, 30));
  return random.shuffled([part, tie, ...nudge, negated(part)]);
};

/** The same tie as one long number, its 2,000th digit the nudge. */
const tiesInOneNumber: Family = (random) => {
  const half = String((1n << 53n) | random.bits(53) | 1n);
  const zeros = 2000 - half.length;
  const above = `${half}.${'0'.repeat(zeros - 1)}1`;
  const below = `${BigInt(half) - 1n}.${'9'.repeat(zeros)}`;
  return [`${sign(random)}${random.pick([half, above, below, `${half}.${'0'.repeat(zeros)}`])}`];
};

const subnormals: Family = (random) =>
  list(random, 20, () =>
    random.pick([
      () => `${sign(random)}${exactBinary(random.bits(random.integer(1, 54)), random.integer(-1076, -1070))}`,
      () => `${sign(random)}${Number(random.bits(random.integer(1, 52))) * 5e-324}`,
      () => anyNumber(random, random.integer(1, 20), random.integer(-326, -306)),
      () => `${sign(random)}${exactBinary(1n, -1075)}`,
      () => `${sign(random)}1e-${random.integer(1076, 1199)}`,
    ])(),
  );

const largest = 2n ** 1024n - 2n ** 971n;
const halfUnit = 2n ** 970n;

/** Around the largest double and half a unit beyond it; sums go beyond and come back. */
const greatest: Family = (random) => {
  const nudge = random.pick([[], ['1e-1200'], ['-1e-1200'], ['1e-9999'], ['-1e-9999'], ['1'], ['-1'], ['0.5']]);
  const mark = sign(random);
  const parts = random.pick([
    [`${largest}`, `${halfUnit}`],
    [`${largest}`],
    [`${largest + halfUnit - 1n}`],
    [`${largest + halfUnit}`],
    [`${largest - 2n ** 900n}`, `${halfUnit + 2n ** 900n}`],
    ['1.7976931348623157e308', `${halfUnit - 1n}`],
    ['1e308', '1e308', '-1e308'],
    [`${largest}`, `${largest}`, `-${largest}`],
  ]);
  return random.shuffled([...parts.map((part) => (mark === '-' ? negated(part) : part)), ...nudge]);
};

const equalTerms: Family = (random) => {
  const term = anyNumber(random, random.size(1, 40), random.integer(-20, 20));
  return Array<string>(random.size(2, 600)).fill(term);
};

const zeros: Family = (random) =>
  list(random, 10, () =>
    random.pick(['-0', '0', '-0.0', '0e5', '-0E-9', '0.000', '-0.0e+99', random.pick(['1', '-1', '1e-400'])]),
  );

const bigIntegers: Family = (random) =>
  list(random, 30, () => {
    const edge = 2n ** BigInt(random.pick([53, 63, 64, 65, 96, 128, 200]));
    return `${sign(random)}${edge + BigInt(random.integer(-3, 3)) + (random.oneIn(2) ? random.bits(64) : 0n)}`;
  });

/** What most arrays hold: short numbers, in long runs, now and then with another among them. */
const shortNumbers: Family = (random) =>
  list(random, 200, () =>
    random.pick([
      () => `${sign(random)}${random.integer(0, 99_999_999)}`,
      () => `${sign(random)}${random.integer(0, 99_999)}.${random.digits(2)}`,
      () => `${sign(random)}${random.integer(0, 9)}.${random.digits(random.integer(1, 6))}`,
      () => (random.oneIn(10) ? anyNumber(random, 17, 0) : '7'),
    ])(),
  );

const doubles: Family = (random) =>
  list(random, 60, () => {
    const cell = new DataView(new ArrayBuffer(8));
    cell.setBigUint64(0, random.bits(64));
    const value = cell.getFloat64(0);
    return Number.isFinite(value) ? String(value) : '0.1';
  });

export const sumFamilies: Readonly<Record<string, Family>> = {
  digitStrings,
  smallDigitStrings,
  wholeRange,
  farOutside,
  cancellation,
  ties,
  tiesInOneNumber,
  subnormals,
  greatest,
  equalTerms,
  zeros,
  bigIntegers,
  shortNumbers,
  doubles,
};

const all = Object.values(sumFamilies);

/** A mixture of two families one time in four. */
export function sumTokens(random: Random): string[] {
  const tokens = random.pick(all)(random);
  return random.oneIn(4) ? random.shuffled([...tokens, ...random.pick(all)(random)]) : tokens;
}

/** The array as text, with white space here and there. */
export function arrayText(random: Random, tokens: readonly string[]): string {
  if (random.oneIn(2)) return `[${tokens.join()}]`;
  const space = () => (random.oneIn(3) ? random.pick([' ', '\n', '\t', '\r\n   ', '  ']) : '');
  return `${space()}[${space()}${tokens.map((token) => token + space()).join(`,${space()}`)}]${space()}`;
}
