/** JSON texts as generators: valid ones, and requests that are bent and broken. */
import fc from 'fast-check';
import { numberToken, numberTokens } from './numbers.js';

const shortEscapes: Readonly<Record<string, string>> = {
  '"': '\\"',
  '\\': '\\\\',
  '/': '\\/',
  '\b': '\\b',
  '\f': '\\f',
  '\n': '\\n',
  '\r': '\\r',
  '\t': '\\t',
};

/** One character as a JSON string may hold it: itself, a short escape, or code units in either case. */
function writeCharacter(character: string, style: number): string {
  const short = shortEscapes[character];
  const mustEscape = character < ' ' || character === '"' || character === '\\' || /^[\ud800-\udfff]$/.test(character);
  if (short !== undefined && (style % 3 === 1 || (mustEscape && style % 3 === 0))) return short;
  if (!mustEscape && style % 3 !== 2) return character;
  const units = Array.from({ length: character.length }, (_, index) => character.charCodeAt(index));
  return units
    .map((unit) => unit.toString(16).padStart(4, '0'))
    .map((hex) => `\\u${style % 2 === 0 ? hex : hex.toUpperCase()}`)
    .join('');
}

const character = fc.oneof(
  { weight: 6, arbitrary: fc.integer({ min: 0x20, max: 0x7e }) },
  { weight: 2, arbitrary: fc.integer({ min: 0, max: 0x2ff }) },
  { weight: 1, arbitrary: fc.integer({ min: 0, max: 0xffff }) },
  { weight: 1, arbitrary: fc.integer({ min: 0, max: 0x10ffff }) },
);

/** A string token with its quotes, of at most so many characters; lone surrogates only as escapes. */
export function jsonStringOf(charactersMax: number): fc.Arbitrary<string> {
  return fc
    .array(fc.tuple(character, fc.nat(5)), { maxLength: charactersMax, size: 'max' })
    .map((all) => `"${all.map(([point, style]) => writeCharacter(String.fromCodePoint(point), style)).join('')}"`);
}

const space = fc.oneof(
  { weight: 8, arbitrary: fc.constant('') },
  {
    weight: 2,
    arbitrary: fc.array(fc.constantFrom(' ', '\n', '\r', '\t'), { maxLength: 20 }).map((all) => all.join('')),
  },
);

const { value } = fc.letrec<{ value: string }>((tie) => ({
  value: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    fc.constantFrom('null', 'true', 'false', '""', '[]', '{}', '0'),
    numberToken,
    jsonStringOf(24),
    fc
      .array(fc.tuple(space, tie('value'), space), { maxLength: 5 })
      .map((all) => `[${all.map((parts) => parts.join('')).join(',')}]`),
    fc
      .array(fc.tuple(space, jsonStringOf(6), space, space, tie('value'), space), { maxLength: 5 })
      .map((all) => `{${all.map(([a, name, b, c, each, d]) => `${a}${name}${b}:${c}${each}${d}`).join(',')}}`),
  ),
}));

/** Any JSON value, with white space where it may stand. */
export const jsonValue: fc.Arbitrary<string> = value;

const sumData = numberTokens.map((tokens) => `[${tokens.join()}]`);
const opName = fc.constantFrom('"echo"', '"upper"', '"sum"', '"$ping"', '"\\u0065cho"', '"$ops"', '"mine"', '""');

/** A name as it is, or with one letter escaped. */
const named = (name: string) =>
  fc.nat(name.length * 4).map((place) => {
    const letter = name.charCodeAt(place);
    return Number.isNaN(letter)
      ? `"${name}"`
      : `"${name.slice(0, place)}\\u00${letter.toString(16)}${name.slice(place + 1)}"`;
  });

const data = fc.oneof(value, jsonStringOf(40), sumData, sumData);
const member = (name: string, content: fc.Arbitrary<string>) => fc.tuple(named(name), content);
const sound = fc.tuple(member('id', jsonStringOf(20)), member('op', opName), member('data', data));
const extra = fc.oneof(
  member('timeoutMs', fc.constantFrom('1', '0.5', '2e3', '0', '-1', '"1"', 'null')),
  member('traceparent', fc.constantFrom('"00-x"', '1')),
  member('id', value),
  member('op', value),
  fc.tuple(jsonStringOf(8), value),
);

/** A body that is JSON, and most often a request: members in any order, escaped names, twins, other types. */
export const requestBody: fc.Arbitrary<string> = fc
  .tuple(
    sound,
    fc.oneof({ weight: 3, arbitrary: fc.constant([]) }, { weight: 1, arbitrary: fc.array(extra, { maxLength: 2 }) }),
    fc.constantFrom(0, 0, 0, 0, 1),
    space,
  )
  .chain(([first, more, dropped, gap]) => {
    const all = [...first.slice(dropped), ...more];
    return fc
      .shuffledSubarray(all, { minLength: all.length, maxLength: all.length })
      .map(
        (each) =>
          `${gap}{${gap}${each.map(([name, content]) => `${name}${gap}:${gap}${content}`).join(`,${gap}`)}}${gap}`,
      );
  });

type Mutation = (bytes: number[], at: number, byte: number) => void;
const mutations: readonly Mutation[] = [
  (bytes, at, byte) => void bytes.splice(at, 1, byte),
  (bytes, at, byte) => void bytes.splice(at, 0, byte),
  (bytes, at) => void bytes.splice(at, 1),
  (bytes, at) => void bytes.splice(at),
  (bytes, at, byte) => void bytes.splice(at, 0, ...bytes.slice(at, at + (byte % 16))),
  (bytes, at, byte) => {
    bytes[at] = (bytes[at] ?? 0) ^ (1 << (byte % 8));
  },
];

const byte = fc.oneof(
  fc.constantFrom(...Buffer.from('{}[]":,\\ue0129.-+ \n\0tnf')),
  fc.nat(255),
  fc.constantFrom(0x80, 0xbf, 0xc0, 0xc2, 0xe0, 0xed, 0xef, 0xf0, 0xf4, 0xff),
);

/** Bodies: half of them sound, the others hit at one to three places. */
export const mutatedBody: fc.Arbitrary<Uint8Array> = fc
  .tuple(
    requestBody,
    fc.oneof(
      fc.constant([]),
      fc.array(fc.tuple(fc.nat(mutations.length - 1), fc.double({ min: 0, max: 0.999, noNaN: true }), byte), {
        minLength: 1,
        maxLength: 3,
      }),
    ),
  )
  .map(([text, hits]) => {
    const bytes = [...Buffer.from(text)];
    for (const [kind, place, with_] of hits) mutations[kind]!(bytes, Math.floor(place * bytes.length), with_);
    return Uint8Array.from(bytes);
  });
