import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import * as assert from 'uvu/assert';
import { Engine } from '../../src/engine/index.js';
import {
  allOperations,
  handedOut,
  handoutField,
  operations,
  outcomeColumns,
  outcomes,
  replyBytesMax,
  statusBytes,
  statusField,
  stops,
} from '../../src/engine/layout.js';
import { idBytesMax, inlineBytesMax, nestingLevelsMax } from '../../src/protocol/limits.js';
import { builds } from '../support/engines.js';
import { suite } from '../support/suite.js';

const test = suite('engine: memory and exports');

const exported = {
  function: ['allow', 'answer', 'beginSum', 'check', 'part', 'peek', 'resume', 'run', 'suspend'],
  global: [
    'allOperations',
    'arenaOffset',
    'bodyCheckBytes',
    'bodyStateBytes',
    'bodyStateOffset',
    'countsOffset',
    'guardBytes',
    'handoutBytes',
    'handoutsMax',
    'handoutsOffset',
    'inputBytes',
    'inputOffset',
    'outputOffset',
    'partBytesMax',
    'partOffset',
    'staticEnd',
    'statusOffset',
  ],
  memory: ['memory'],
} as const;

for (const { name: build, module } of builds) {
  test(`${build}: the module exports the ABI and nothing else`, () => {
    const found = WebAssembly.Module.exports(module);
    for (const kind of ['function', 'global', 'memory'] as const) {
      assert.equal(
        found
          .filter((each) => each.kind === kind)
          .map((each) => each.name)
          .sort(),
        exported[kind],
      );
    }
    assert.is(found.length, Object.values(exported).flat().length);
  });

  test(`${build}: the module asks its host for two conversions and a comparison, and to be told of an abort`, () => {
    const wanted = WebAssembly.Module.imports(module).map((each) => `${each.kind} ${each.module}.${each.name}`);
    const allowed = ['env.abort', 'host.formatNumber', 'host.isUpperCase', 'host.upperCase'].map(
      (name) => `function ${name}`,
    );
    assert.equal(
      wanted.filter((each) => !allowed.includes(each)),
      [],
    );
  });

  test(`${build}: the regions do not overlap`, () => {
    const imports = { env: { abort() {} }, host: { formatNumber: () => 0, isUpperCase: () => 1, upperCase: () => 0 } };
    const { exports } = new WebAssembly.Instance(module, imports);
    const at = (name: string) => (exports[name] as WebAssembly.Global).value as number;
    const status = at('statusOffset');
    assert.ok(at('staticEnd') <= status, 'static data ends below the status');
    assert.ok(status + statusBytes <= at('countsOffset'));
    assert.ok(at('countsOffset') + operations.length * outcomeColumns * 8 <= at('handoutsOffset'));
    assert.ok(at('handoutsOffset') + at('handoutBytes') * at('handoutsMax') <= at('inputOffset') - at('guardBytes'));
    assert.ok(at('inputOffset') + at('inputBytes') + at('guardBytes') <= at('outputOffset'));
    assert.ok(at('outputOffset') + replyBytesMax(inlineBytesMax) + at('guardBytes') <= at('arenaOffset'));
    assert.ok(at('countsOffset') + operations.length * outcomeColumns * 8 <= at('bodyStateOffset'));
    assert.ok(at('bodyStateOffset') + at('bodyStateBytes') <= at('handoutsOffset'));
    assert.is(at('bodyStateOffset') % 8, 0);
    assert.is(at('inputBytes'), inlineBytesMax + 4, 'a whole frame of the inline lane fits');
    assert.is(status % 8, 0);
    assert.is(at('countsOffset') % 8, 0);
    assert.is(at('handoutsOffset') % 4, 0);
    assert.ok(at('arenaOffset') < (exports.memory as WebAssembly.Memory).buffer.byteLength);
  });
}

function sourceOf(file: string): string {
  return readFileSync(fileURLToPath(new URL(`../../../assembly/${file}`, import.meta.url)), 'utf8');
}

/** Constants of an assembly source by name; those of a namespace are called `Namespace.NAME`. */
function constantsOf(file: string): Map<string, number> {
  const source = sourceOf(file);
  const constants = new Map<string, number>();
  let prefix = '';
  for (const line of source.split('\n')) {
    prefix = /^export namespace (\w+)/.exec(line)?.[1]?.concat('.') ?? (line.startsWith('}') ? '' : prefix);
    const [, name, value] = /^\s*(?:export )?const (\w+): \w+ = (-?\w+);/.exec(line) ?? [];
    if (name !== undefined && value !== undefined && !Number.isNaN(Number(value)))
      constants.set(prefix + name, Number(value));
  }
  return constants;
}

test('the host’s picture of the memory is the assembly’s', () => {
  const layout = constantsOf('layout.ts');
  const code = constantsOf('codes.ts');
  const wordsOf = (record: string, fields: object) =>
    Object.keys(fields).map((name) => {
      const constant = `${record}_${name.replace(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase()}`;
      return [name, layout.get(constant)! / 4];
    });
  for (const [record, fields] of Object.entries({ STATUS: statusField, HANDOUT: handoutField })) {
    assert.equal(Object.entries(fields), wordsOf(record, fields));
  }
  const statusConstants = [...layout.keys()].filter((name) => name.startsWith('STATUS_'));
  assert.is(statusConstants.length, Object.keys(statusField).length, 'every field of STATUS is known to the host');
  assert.equal(
    stops.map((name) => code.get(`Stop.${name.toUpperCase()}`)),
    [0, 1, 2],
  );
  const named = ['NONE', 'ECHO', 'UPPER', 'SUM', 'PING'].map((name) => code.get(`Operation.${name}`));
  assert.equal(named, [...operations.keys()]);
  assert.is(code.get('Operation.COUNT'), operations.length);
  for (const { module } of builds) {
    const { exports } = new WebAssembly.Instance(module, {
      env: { abort() {} },
      host: { formatNumber: () => 0, isUpperCase: () => 1, upperCase: () => 0 },
    });
    assert.is((exports.allOperations as WebAssembly.Global).value, allOperations);
  }
  assert.equal(
    outcomes.map((name) => code.get(`Outcome.${name.toUpperCase()}`)),
    [...outcomes.keys()],
  );
  assert.is(code.get('Outcome.HANDED_OUT'), handedOut);
  assert.is(code.get('Outcome.COUNT'), outcomeColumns);
});

const bytesOfType: Readonly<Record<string, number>> = { u8: 1, i32: 4, u32: 4, i64: 8 };

test('the fields of a body that comes in parts are kept as they are taken up, and none overlaps another', () => {
  const layout = constantsOf('layout.ts');
  const sources = ['part-body.ts', 'long-number.ts'].map(sourceOf).join('\n');
  const fields = [...layout].filter(([name]) => name.startsWith('BodyField.'));
  const typesOf = (pattern: string) => [...sources.matchAll(new RegExp(pattern, 'g'))].map(([, type]) => type!);
  const taken = fields.map(([name, offset]) => {
    const loads = typesOf(`load<(\\w+)>\\(BODY, ${name}\\)`);
    assert.is(loads.length, 1, `${name} is taken up once`);
    assert.equal(typesOf(`store<(\\w+)>\\(BODY, [^;]+, ${name}\\)`), loads, name);
    return { name, offset, end: offset + bytesOfType[loads[0]!]! };
  });
  assert.ok(taken.length > 20, `${taken.length} fields`);
  taken.sort((a, b) => a.offset - b.offset);
  for (const [index, { name, offset, end }] of taken.entries()) {
    assert.is(offset % (end - offset), 0, `${name} is aligned`);
    assert.ok(end <= (taken[index + 1]?.offset ?? layout.get('BODY_FIELDS_BYTES')!), name);
  }
});

test('the assembly holds to the limits of the protocol', () => {
  assert.is(constantsOf('layout.ts').get('NESTING_LEVELS_MAX'), nestingLevelsMax);
  assert.is(constantsOf('layout.ts').get('INLINE_BYTES_MAX'), inlineBytesMax);
  assert.is(constantsOf('envelope.ts').get('ID_BYTES_MAX'), idBytesMax);
});

test('instances of one module share nothing', () => {
  const body = Buffer.from('{"id":"1","op":"echo"}');
  const [one, other] = [new Engine(builds[0].module), new Engine(builds[0].module)];
  one.answer(body);
  const echoes = (engine: Engine) =>
    engine.counts().find(({ op, outcome }) => op === 'echo' && outcome === 'ok')?.count;
  assert.is(echoes(one), 1);
  assert.is(echoes(other), 0);
});

test.run();
