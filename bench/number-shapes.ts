/** Arrays of numbers as JSON text, by the shapes that numbers have in the wild. The same text at every run. */
import { fullDouble, seededRandom } from './random.js';

export interface NumberShape {
  readonly name: string;
  readonly separator: string;
  readonly number: (random: () => number) => string;
}

export const numberShapes: readonly NumberShape[] = [
  {
    name: 'doubles of many magnitudes',
    separator: ',',
    number: (random) => String(sign(random) * fullDouble(random) * 10 ** Math.floor(random() * 30 - 15)),
  },
  { name: '17 digits in [0,1)', separator: ',', number: (random) => fullDouble(random).toPrecision(17) },
  {
    name: 'coordinates, 15 digits',
    separator: ',',
    number: coordinate,
  },
  { name: 'money, two decimals', separator: ',', number: money },
  { name: 'integers 0–1000', separator: ',', number: (random) => String(Math.floor(random() * 1001)) },
  { name: '9-digit integers', separator: ',', number: (random) => String(1e8 + Math.floor(random() * 9e8)) },
  {
    name: '19-digit integers',
    separator: ',',
    number: (random) => `${1e9 + Math.floor(random() * 8e9)}${1e8 + Math.floor(random() * 9e8)}`,
  },
  { name: 'negative, three decimals', separator: ',', number: (random) => `-${(random() * 1000).toFixed(3)}` },
  {
    name: 'coordinates, a space after each comma',
    separator: ', ',
    number: coordinate,
  },
  { name: 'money, one a line', separator: ',\n', number: money },
  { name: 'money, pretty-printed', separator: ',\n    ', number: money },
];

/** @throws RangeError where there is none of that name */
export function shapeNamed(name: string): NumberShape {
  const shape = numberShapes.find((each) => each.name === name);
  if (shape === undefined) throw new RangeError(`no numbers are called "${name}"`);
  return shape;
}

export function numberArray(shape: NumberShape, count: number): string {
  const random = seededRandom(count);
  return `[${Array.from({ length: count }, () => shape.number(random)).join(shape.separator)}]`;
}

/** 1,000 doubles of several magnitudes, 16 to 17 digits, spaced as Python spaces them: some 21 KB. */
export function thousandDoubles(): string {
  const random = seededRandom(1000);
  const double = () => sign(random) * fullDouble(random) * 10 ** Math.floor(random() * 4);
  return `[${Array.from({ length: 1000 }, () => double().toPrecision(17)).join(', ')}]`;
}

function coordinate(random: () => number): string {
  return String(Number((fullDouble(random) * 360 - 180).toPrecision(15)));
}

function money(random: () => number): string {
  return (random() * 10_000).toFixed(2);
}

function sign(random: () => number): number {
  return random() < 0.5 ? -1 : 1;
}
