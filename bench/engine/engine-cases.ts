/** What the engine is measured with: request bodies by size and by the shape of their data. */
import { numberArray, numberShapes } from '../number-shapes.js';
import type { EngineRow } from '../results.js';

export interface EngineCase {
  readonly group: EngineRow['group'];
  readonly name: string;
  readonly body: Buffer;
}

const kib = 1024;

export function engineCases(): readonly EngineCase[] {
  return [...echoCases(), ...sumCases(), ...upperCases()];
}

function echoCases(): EngineCase[] {
  const text = [32, 128, 512, 2 * kib, 8 * kib, 64 * kib].map((bytes) =>
    caseOf('echo', `one string, ${sizeName(bytes)}`, JSON.stringify('x'.repeat(bytes - emptyBodyBytes))),
  );
  const records = [512, 8 * kib, 64 * kib].map((bytes) =>
    caseOf('echo', `records, ${sizeName(bytes)}`, recordsUpTo(bytes - emptyBodyBytes)),
  );
  return [...text, ...records];
}

function sumCases(): EngineCase[] {
  return [1_000, 100_000].flatMap((count) =>
    numberShapes.map((shape) =>
      caseOf('sum', `${shape.name}, ${count.toLocaleString('en')}`, numberArray(shape, count)),
    ),
  );
}

const upperTexts = {
  ASCII: 'The quick brown fox jumps over the lazy dog. ',
  'Latin-1 accents': 'El pingüino Wenceslao hizo kilómetros bajo exhaustiva lluvia y frío; añoraba a su crío. ',
  Greek: 'Ξεσκεπάζω την ψυχοφθόρα βδελυγμία, και ο καλός γείτονας χαμογελά στον ήλιο. ',
  Cyrillic: 'Съешь же ещё этих мягких французских булок, да выпей чаю; «широкая» — электрификация. ',
  CJK: '天地玄黃宇宙洪荒日月盈昃辰宿列張寒來暑往秋收冬藏',
} as const;

function upperCases(): EngineCase[] {
  return Object.entries(upperTexts).map(([name, text]) => {
    const times = Math.floor((16 * kib) / Buffer.byteLength(text));
    return caseOf('upper', upperRow(name), JSON.stringify(text.repeat(times)));
  });
}

function upperRow(script: string): string {
  return `${script}, 16 KiB`;
}

/** The rows of `upper` with text that is not ASCII. */
export const wideUpperRows = Object.keys(upperTexts).slice(1).map(upperRow);

function bodyOf(op: string, data: string): string {
  return `{"id":"1","op":"${op}","data":${data}}`;
}

const emptyBodyBytes = bodyOf('echo', '""').length;

function caseOf(group: EngineCase['group'], name: string, data: string): EngineCase {
  return { group, name, body: Buffer.from(bodyOf(group, data)) };
}

/** An array of small objects, as an API would send them. */
function recordsUpTo(bytes: number): string {
  let text = '[]';
  for (let index = 0; ; index++) {
    const record = JSON.stringify({
      id: 1000 + index,
      name: `user ${index}`,
      tags: ['a', 'b'],
      active: index % 2 === 0,
    });
    const longer = `${text.slice(0, -1)}${text.length > 2 ? ',' : ''}${record}]`;
    if (longer.length > bytes) return text;
    text = longer;
  }
}

function sizeName(bytes: number): string {
  return bytes < kib ? `${bytes} B` : `${bytes / kib} KiB`;
}
