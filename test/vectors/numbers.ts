/** Numbers as JSON may write them: made to hurt. */
import fc from 'fast-check';

const sign = fc.constantFrom('', '', '-');
const digit = fc.integer({ min: 0, max: 9 });
const digits = (min: number, max: number) =>
  fc.array(digit, { minLength: min, maxLength: max }).map((each) => each.join(''));
const whole = fc
  .oneof(
    { weight: 2, arbitrary: fc.constant('0') },
    { weight: 6, arbitrary: digits(1, 20) },
    { weight: 1, arbitrary: digits(1, 400) },
  )
  .map((text) => text.replace(/^0+(?=\d)/, ''));
const fraction = fc
  .oneof(
    { weight: 3, arbitrary: fc.constant('') },
    { weight: 6, arbitrary: digits(1, 20) },
    { weight: 1, arbitrary: digits(1, 800) },
  )
  .map((text) => (text === '' ? '' : `.${text}`));
const power = fc.oneof(
  { weight: 5, arbitrary: fc.constant(0) },
  { weight: 3, arbitrary: fc.integer({ min: -30, max: 30 }) },
  { weight: 1, arbitrary: fc.integer({ min: -360, max: 310 }) },
);
const exponent = fc
  .tuple(power, fc.constantFrom('e', 'E'), fc.constantFrom('', '0', '00'), fc.constantFrom('', '+'))
  .map(([value, letter, zeros, plus]) =>
    value === 0 && zeros === '' ? '' : `${letter}${value < 0 ? '-' : plus}${zeros}${Math.abs(value)}`,
  );

const free = fc.tuple(sign, whole, fraction, exponent).map((parts) => parts.join(''));
const fromDouble = fc.double({ noNaN: true, noDefaultInfinity: true }).map((value) => String(value));
const money = fc.integer({ min: -1_000_000, max: 1_000_000 }).map((cents) => (cents / 100).toFixed(2));
/** One digit and zeros around the point: carries and borrows that run through. */
const round = fc
  .tuple(sign, digit, fc.nat(20), fc.nat(20), exponent)
  .map(([minus, first, whole, behind, power]) =>
    [
      minus,
      first === 0 ? '0' : `${first}${'0'.repeat(whole)}`,
      behind === 0 ? '' : `.${'0'.repeat(behind)}`,
      power,
    ].join(''),
  );
/** Halfway between two neighbours, or the smallest step beside it, where an early rounding shows. */
const nearTie = fc
  .tuple(sign, fc.bigInt({ min: 2n ** 53n, max: 2n ** 54n }), fc.integer({ min: 0, max: 300 }), digits(0, 40))
  .map(([minus, base, shift, tail]) => `${minus}${(base | 1n) << BigInt(shift)}.${tail}5`);

const edges = [
  '0',
  '-0',
  '0e999999999',
  '-0.000E+12345678901234567890',
  '5e-324',
  '2.4703282292062327e-324',
  '2.4703282292062328e-324',
  '2.2250738585072011e-308',
  '2.2250738585072014e-308',
  '1.7976931348623157e308',
  '-1.7976931348623157E+308',
  '1e308',
  '-1e308',
  '1.7976931348623159e308',
  '9007199254740993',
  '0.1',
  '1e22',
  '1e23',
  '8.41e21',
  '9223372036854775808',
  '-18446744073709551615',
  '4294967296',
  '9999999999999999',
  '99999999999999999',
  '0.9999999999999999',
];

/** Any number token; by itself some round to infinity. Exponents stay where sums are defined to the last bit. */
export const numberToken: fc.Arbitrary<string> = fc.oneof(
  { weight: 4, arbitrary: free },
  { weight: 3, arbitrary: fromDouble },
  { weight: 2, arbitrary: money },
  { weight: 2, arbitrary: round },
  { weight: 2, arbitrary: nearTie },
  { weight: 2, arbitrary: fc.constantFrom(...edges) },
);

function negated(token: string): string {
  return token.startsWith('-') ? token.slice(1) : `-${token}`;
}

/** Arrays whose sums cancel in part or in full, in a shuffled order. */
const cancelling = fc
  .tuple(fc.array(numberToken, { minLength: 1, maxLength: 12 }), fc.array(numberToken, { maxLength: 3 }))
  .chain(([pairs, rest]) => {
    const all = [...pairs, ...pairs.map(negated), ...rest];
    return fc.shuffledSubarray(all, { minLength: all.length, maxLength: all.length });
  });

export const numberTokens: fc.Arbitrary<string[]> = fc.oneof(
  { weight: 3, arbitrary: fc.array(numberToken, { maxLength: 30 }) },
  { weight: 1, arbitrary: cancelling },
);
