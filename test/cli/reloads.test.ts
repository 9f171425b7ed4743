import * as assert from 'uvu/assert';
import { Reloads } from '../../src/cli/reloads.js';
import { ConfigError } from '../../src/errors.js';
import type { OperationInfo } from '../../src/ops/operation-info.js';
import { suite } from '../support/suite.js';

const test = suite('reloads of the operations');

interface Line {
  readonly level: string;
  readonly message: string;
  readonly by: unknown;
}

/** A server whose reloads the test ends by hand, in order. */
function slowServer() {
  const lines: Line[] = [];
  const pending: ((outcome: readonly OperationInfo[] | Error) => void)[] = [];
  const writer = (level: string) => (fields: { by?: unknown }, message: string) => {
    lines.push({ level, message, by: fields.by });
  };
  const log = { info: writer('info'), warn: writer('warn'), error: writer('error') };
  const reload = () =>
    new Promise<readonly OperationInfo[]>((resolve, reject) => {
      pending.push((outcome) => (outcome instanceof Error ? reject(outcome) : resolve(outcome)));
    });
  return { reloads: new Reloads(() => ({ reload }), log as never), lines, pending };
}

/** Lets promises that are settled be seen. */
const turn = () => new Promise((resolve) => setImmediate(resolve));

test('each reload is one line of the log, which says who asked', async () => {
  const { reloads, lines, pending } = slowServer();
  const reloaded = reloads.run('SIGHUP');
  pending[0]!([]);
  assert.equal(await reloaded, []);
  assert.equal(lines, [{ level: 'info', message: 'operations reloaded', by: 'SIGHUP' }]);
});

test('one that fails is one line too, and its error goes to who asked', async () => {
  const { reloads, lines, pending } = slowServer();
  const reloaded = reloads.run('http').catch((error: Error) => error.message);
  pending[0]!(new ConfigError('it threw'));
  assert.is(await reloaded, 'it threw');
  assert.equal(lines, [{ level: 'warn', message: 'operations not reloaded: the old ones stay in force', by: 'http' }]);
});

test('those who ask while one runs share the next one', async () => {
  const { reloads, lines, pending } = slowServer();
  const first = reloads.run('SIGHUP');
  const others = [reloads.run('http'), reloads.run('watch'), reloads.run('http')];
  await turn();
  assert.is(pending.length, 1);
  pending[0]!([]);
  await first;
  await turn();
  assert.is(pending.length, 2);
  pending[1]!([]);
  await Promise.all(others);
  assert.equal(
    lines.map(({ by }) => by),
    ['SIGHUP', 'http'],
  );
  const last = reloads.run('watch');
  pending[2]!([]);
  await last;
});

test('the next one runs, although the first has failed', async () => {
  const { reloads, pending } = slowServer();
  const first = reloads.run('a').catch(() => 'failed');
  const second = reloads.run('b');
  pending[0]!(new ConfigError('no'));
  assert.is(await first, 'failed');
  await turn();
  pending[1]!([]);
  assert.equal(await second, []);
});

test('those who want to know are told after each reload, however it ended', async () => {
  const { reloads, pending } = slowServer();
  let ends = 0;
  reloads.onEnd(() => {
    ends++;
  });
  const first = reloads.run('a').catch(() => {});
  assert.is(ends, 0);
  pending[0]!(new ConfigError('no'));
  await first;
  const second = reloads.run('b');
  pending[1]!([]);
  await second;
  assert.is(ends, 2);
});

test('a server that throws at once is told like any other failure', async () => {
  const reloads = new Reloads(
    () => {
      throw new ConfigError('not started');
    },
    { info() {}, warn() {}, error() {} } as never,
  );
  assert.is(await reloads.run('SIGHUP').catch((error: Error) => error.message), 'not started');
});

test.run();
