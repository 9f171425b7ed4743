/**
 * The oracle for `sum`: decimals as rationals of BigInt, added exactly and rounded once, to nearest, ties to even.
 * Slow and plain on purpose; it shares no idea with the engine, and does not ask the host to read or round a number.
 *
 * It is exact down to 10^-1300. Digits below that stand for "a bit that is not zero"; the protocol leaves open what
 * becomes of such digits when they cancel each other, so generators do not mix their signs.
 */

const floorExponent = -1300;
/** Beyond this a number that is not zero rounds to infinity. */
const ceilingExponent = 400;

export type SumOutcome = { readonly kind: 'ok'; readonly text: string } | { readonly kind: 'out-of-range' };

/** A decimal as written: `digits` × 10^`exponent`. */
interface Decimal {
  readonly digits: bigint;
  readonly exponent: number;
}

const powers: bigint[] = [];
function powerOfTen(exponent: number): bigint {
  powers[exponent] ??= 10n ** BigInt(exponent);
  return powers[exponent];
}

/** Reads a JSON number token. Huge exponents are brought to the first one that behaves the same. */
export function readDecimal(token: string): Decimal {
  const match = /^(-?)(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d+))?$/.exec(token);
  if (match === null) throw new Error(`not a JSON number: ${token}`);
  const [, sign, whole = '', fraction = '', power = '0'] = match;
  const significant = (whole + fraction).replace(/^0+/, '');
  const digits = significant.replace(/0+$/, '');
  if (digits === '') return { digits: 0n, exponent: 0 };
  const dropped = significant.length - digits.length;
  // The power may have any number of digits itself; as a double it may be infinite, and still compares rightly.
  const exponent = Number(power) - fraction.length + dropped;
  const leading = exponent + digits.length;
  if (leading > ceilingExponent) return { digits: sign === '-' ? -1n : 1n, exponent: ceilingExponent };
  if (exponent >= floorExponent) return { digits: BigInt((sign ?? '') + digits), exponent };
  // Digits below the floor: one digit that is not zero stands for all of them.
  const kept = leading > floorExponent ? digits.slice(0, leading - floorExponent) : '';
  const magnitude = BigInt(kept === '' ? '0' : kept) * 10n + 1n;
  return { digits: sign === '-' ? -magnitude : magnitude, exponent: floorExponent - 1 };
}

/** Rounds `digits` × 10^`exponent` to the nearest binary64, ties to even; infinite where there is none. */
export function roundToDouble({ digits, exponent }: Decimal): number {
  if (digits === 0n) return 0;
  const magnitude = digits < 0n ? -digits : digits;
  const numerator = exponent >= 0 ? magnitude * powerOfTen(exponent) : magnitude;
  const denominator = exponent >= 0 ? 1n : powerOfTen(-exponent);
  const estimate = bitLength(numerator) - bitLength(denominator) - 53;
  let binary = Math.max(estimate, -1074);
  let { quotient, remainder, divisor } = divide(numerator, denominator, binary);
  if (quotient >= 1n << 53n) {
    binary++;
    ({ quotient, remainder, divisor } = divide(numerator, denominator, binary));
  }
  const twice = 2n * remainder;
  if (twice > divisor || (twice === divisor && (quotient & 1n) === 1n)) quotient++;
  const value = binary > 971 ? Infinity : Number(quotient) * 2 ** binary;
  return digits < 0n ? -value : value;
}

function divide(numerator: bigint, denominator: bigint, binary: number) {
  const dividend = binary < 0 ? numerator << BigInt(-binary) : numerator;
  const divisor = binary < 0 ? denominator : denominator << BigInt(binary);
  return { quotient: dividend / divisor, remainder: dividend % divisor, divisor };
}

function bitLength(value: bigint): number {
  const hex = value.toString(16);
  return hex.length * 4 - Math.clz32(Number.parseInt(hex[0]!, 16)) + 28;
}

/** Does it round to infinity by itself? Below 10^300 the question need not be reckoned. */
function isBeyond(decimal: Decimal): boolean {
  const digitsMax = decimal.digits.toString(16).length * 1.3;
  return digitsMax + decimal.exponent > 300 && !Number.isFinite(roundToDouble(decimal));
}

/** The sum of JSON number tokens, as the protocol defines it. */
export function exactSum(tokens: readonly string[]): SumOutcome {
  const decimals = tokens.map(readDecimal);
  if (decimals.some(isBeyond)) return { kind: 'out-of-range' };
  const exponent = decimals.reduce((least, each) => Math.min(least, each.exponent), 0);
  const digits = decimals.reduce((sum, each) => sum + each.digits * powerOfTen(each.exponent - exponent), 0n);
  const value = roundToDouble({ digits, exponent });
  return Number.isFinite(value) ? { kind: 'ok', text: floatText(value) } : { kind: 'out-of-range' };
}

/** The shortest text that reads back, visibly a float, without the `+` of an exponent; never `-0.0`. */
export function floatText(value: number): string {
  const text = String(value === 0 ? 0 : value).replace('+', '');
  return /[.e]/.test(text) ? text : `${text}.0`;
}
