/**
 * The oracle for `sum`: decimals as rationals of BigInt, added exactly and rounded once, to nearest, ties to even.
 * Slow and plain on purpose; it shares no idea with the engine, and does not ask the host to read or round a number.
 *
 * It is exact down to 10^-1200. What a number has below that is a tail: one more of its sign. The sign of all tails
 * together is one place below the last exact one.
 */

const floorExponent = -1200;
/** Beyond this a number that is not zero rounds to infinity. */
const ceilingExponent = 400;

export type SumOutcome = { readonly kind: 'ok'; readonly text: string } | { readonly kind: 'out-of-range' };

/** `digits` × 10^`exponent`, and how many tails, positive less negative. */
export interface Decimal {
  readonly digits: bigint;
  readonly exponent: number;
  readonly tails: number;
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
  if (digits === '') return { digits: 0n, exponent: 0, tails: 0 };
  const dropped = significant.length - digits.length;
  const unit = sign === '-' ? -1 : 1;
  // The power may have any number of digits itself; as a double it may be infinite, and still compares rightly.
  const exponent = Number(power) - fraction.length + dropped;
  const leading = exponent + digits.length;
  if (leading > ceilingExponent) return { digits: BigInt(unit), exponent: ceilingExponent, tails: 0 };
  if (exponent >= floorExponent) return { digits: BigInt((sign ?? '') + digits), exponent, tails: 0 };
  const kept = leading > floorExponent ? digits.slice(0, leading - floorExponent) : '0';
  return { digits: BigInt(unit) * BigInt(kept), exponent: floorExponent, tails: unit };
}

/** Rounds to the nearest binary64, ties to even; infinite where there is none. */
export function roundToDouble(decimal: Decimal): number {
  if (decimal.tails === 0) return roundExact(decimal);
  const { digits, exponent } = decimal;
  const scaled = digits * powerOfTen(exponent - floorExponent + 1);
  return roundExact({ digits: scaled + BigInt(Math.sign(decimal.tails)), exponent: floorExponent - 1 });
}

function roundExact({ digits, exponent }: Pick<Decimal, 'digits' | 'exponent'>): number {
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

/** The exact sum, with no decimal zero at the end of its digits; undefined where a number rounds to infinity by itself. */
export function addDecimals(tokens: readonly string[]): Decimal | undefined {
  const decimals = tokens.map(readDecimal);
  if (decimals.some(isBeyond)) return undefined;
  let exponent = decimals.reduce((least, each) => Math.min(least, each.exponent), 0);
  let digits = decimals.reduce((sum, each) => sum + each.digits * powerOfTen(each.exponent - exponent), 0n);
  const tails = decimals.reduce((count, each) => count + each.tails, 0);
  if (digits === 0n) return { digits, exponent: 0, tails };
  for (; digits % 10n === 0n; exponent++) digits /= 10n;
  return { digits, exponent, tails };
}

/** The sum of JSON number tokens, as the protocol defines it. */
export function exactSum(tokens: readonly string[]): SumOutcome {
  const sum = addDecimals(tokens);
  return sum === undefined ? { kind: 'out-of-range' } : roundSum(sum);
}

export function roundSum(sum: Decimal): SumOutcome {
  const value = roundToDouble(sum);
  return Number.isFinite(value) ? { kind: 'ok', text: floatText(value) } : { kind: 'out-of-range' };
}

/** The shortest text that reads back, visibly a float, without the `+` of an exponent; never `-0.0`. */
export function floatText(value: number): string {
  const text = String(value === 0 ? 0 : value).replace('+', '');
  return /[.e]/.test(text) ? text : `${text}.0`;
}
