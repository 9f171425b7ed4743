/**
 * The sum of decimals as they are written, in whole numbers, so that an answer can be compared digit by digit. It shares no
 * code with the engine: only the rounding of the exact decimal to the nearest double is V8's in both.
 */
export interface ExactSum {
  readonly digits: bigint;
  /** The sum is `digits` × 10^`exponent`. */
  readonly exponent: number;
}

const decimal = /^(-?\d+)(?:\.(\d+))?(?:[eE]([+-]?\d+))?$/;

/** @throws SyntaxError where one is not a number of JSON */
export function exactSum(numbers: readonly string[]): ExactSum {
  const parts = numbers.map(readDecimal);
  const exponent = parts.reduce((least, part) => Math.min(least, part.exponent), 0);
  const digits = parts.reduce((total, part) => total + part.digits * 10n ** BigInt(part.exponent - exponent), 0n);
  return { digits, exponent };
}

/** As the protocol writes a sum: the shortest text of the nearest double, visibly a float, its exponent without a plus. */
export function resultText({ digits, exponent }: ExactSum): string {
  const text = String(Number(`${digits}e${exponent}`)).replace('+', '');
  return /[.e]/.test(text) ? text : `${text}.0`;
}

function readDecimal(text: string): ExactSum {
  const [, whole, fraction = '', exponent = '0'] = decimal.exec(text) ?? [];
  if (whole === undefined) throw new SyntaxError(`not a number: ${text}`);
  return { digits: BigInt(whole + fraction), exponent: Number(exponent) - fraction.length };
}
