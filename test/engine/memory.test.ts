import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import * as assert from 'uvu/assert';
import { Engine } from '../../src/engine/index.js';
import {
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
  function: ['answer', 'beginSum', 'check', 'part', 'peek', 'resume', 'run', 'suspend'],
  global: [
    'arenaOffset',
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

  test(`${build}: the module asks its host for two conversions, and to be told of an abort`, () => {
    const wanted = WebAssembly.Module.imports(module).map((each) => `${each.kind} ${each.module}.${each.name}`);
    const allowed = ['function env.abort', 'function host.formatNumber', 'function host.upperCase'];
    assert.equal(
      wanted.filter((each) => !allowed.includes(each)),
      [],
    );
  });

  test(`${build}: the regions stand behind each other`, () => {
    const imports = { env: { abort() {} }, host: { formatNumber: () => 0, upperCase: () => 0 } };
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

/** Constants of an assembly source by name; a namespace's stand under `Namespace.NAME`. */
function constantsOf(file: string): Map<string, number> {
  const source = readFileSync(fileURLToPath(new URL(`../../../assembly/${file}`, import.meta.url)), 'utf8');
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
  assert.equal(statusField, {
    consumed: layout.get('STATUS_CONSUMED')! / 4,
    outputLength: layout.get('STATUS_OUTPUT_LENGTH')! / 4,
    handouts: layout.get('STATUS_HANDOUTS')! / 4,
    stop: layout.get('STATUS_STOP')! / 4,
    operation: layout.get('STATUS_OPERATION')! / 4,
    outcome: layout.get('STATUS_OUTCOME')! / 4,
    answered: layout.get('STATUS_ANSWERED')! / 4,
    itemIndex: layout.get('STATUS_ITEM_INDEX')! / 4,
    faultOffset: layout.get('STATUS_FAULT_OFFSET')! / 4,
    textOffset: layout.get('STATUS_TEXT_OFFSET')! / 4,
    textLength: layout.get('STATUS_TEXT_LENGTH')! / 4,
    tails: layout.get('STATUS_TAILS')! / 4,
  });
  assert.equal(handoutField, {
    id: layout.get('HANDOUT_ID')! / 4,
    op: layout.get('HANDOUT_OP')! / 4,
    data: layout.get('HANDOUT_DATA')! / 4,
    timeout: layout.get('HANDOUT_TIMEOUT')! / 4,
    traceparent: layout.get('HANDOUT_TRACEPARENT')! / 4,
  });
  assert.equal(
    stops.map((name) => code.get(`Stop.${name.toUpperCase()}`)),
    [0, 1, 2],
  );
  const named = ['NONE', 'ECHO', 'UPPER', 'SUM', 'PING'].map((name) => code.get(`Operation.${name}`));
  assert.equal(named, [...operations.keys()]);
  assert.is(code.get('Operation.COUNT'), operations.length);
  assert.equal(
    outcomes.map((name) => code.get(`Outcome.${name.toUpperCase()}`)),
    [...outcomes.keys()],
  );
  assert.is(code.get('Outcome.HANDED_OUT'), handedOut);
  assert.is(code.get('Outcome.COUNT'), outcomeColumns);
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
