import { runInNewContext } from 'node:vm';
import { pino } from 'pino';
import * as assert from 'uvu/assert';
import { LogChannel, withErrorType } from '../../src/pool/log-channel.js';
import { type LogLevel, type LogLine, logLevels } from '../../src/pool/messages.js';
import { suite } from '../support/suite.js';

const test = suite('log channel');

function channel(levels: readonly LogLevel[] = logLevels) {
  const lines: LogLine[] = [];
  const clock = { nowMs: 0 };
  const log = new LogChannel(
    (line) => lines.push(line),
    levels,
    () => clock.nowMs,
  );
  return { log, lines, clock };
}

test('a line has its level, fields, message, operation and request', () => {
  const { log, lines } = channel();
  log.forRun({ op: 'primes', id: 'r-1' }).warn({ n: 3 }, 'slow');
  assert.equal(lines, [{ type: 'log', level: 'warn', fields: { n: 3, op: 'primes', id: 'r-1' }, message: 'slow' }]);
});

test('a flood is cut, and the next line that gets through says how many were lost', () => {
  const { log, lines, clock } = channel();
  for (let line = 0; line < 1000; line += 1) log.write('info', {}, `${line}`);
  assert.is(lines.length, 100);
  clock.nowMs += 1000;
  log.write('info', {}, 'later');
  assert.equal(lines.at(-1)?.fields, { linesDropped: 900 });
  log.write('info', {}, 'and again');
  assert.equal(lines.at(-1)?.fields, {});
});

test('what was lost is told at the end of a run where no other line came', () => {
  const { log, lines, clock } = channel();
  for (let line = 0; line < 101; line += 1) log.write('info', {}, `${line}`);
  log.mentionDropped();
  assert.is(lines.length, 100);
  clock.nowMs += 1000;
  log.mentionDropped();
  log.mentionDropped();
  assert.is(lines.length, 101);
  assert.is(lines.at(-1)?.fields.linesDropped, 1);
});

test('lines that the server would drop are not sent, and do not use up the room of others', () => {
  const { log, lines } = channel(['warn', 'error']);
  for (let line = 0; line < 1000; line += 1) log.write('info', {}, `${line}`);
  log.write('warn', {}, 'told');
  assert.equal(lines, [{ type: 'log', level: 'warn', fields: {}, message: 'told' }]);
});

test('large fields and messages are cut', () => {
  const { log, lines } = channel();
  log.write('info', { text: 'x'.repeat(1e6) }, 'y'.repeat(1e6));
  assert.ok(JSON.stringify(lines[0]).length < 20_000);
});

test('a member that the server writes by itself is kept under another name, so that no line has it twice', () => {
  const { log, lines } = channel();
  log.forRun({ op: 'primes', id: 'r-1' }).info({ level: 60, time: 'x', pid: 1, id: 7, n: 3 }, 'real');
  assert.equal(lines[0]!.fields, { level_: 60, time_: 'x', pid_: 1, id_: 7, n: 3, op: 'primes', id: 'r-1' });
});

test('a text that is cut is cut between characters', () => {
  const { log, lines } = channel();
  const text = `${'a'.repeat(8191)}😀${'b'.repeat(100)}`;
  log.write('info', {}, text);
  log.write('info', { text });
  assert.ok(lines[0]!.message!.startsWith(`${'a'.repeat(8191)}… (`));
  for (const line of lines) assert.not.match(JSON.stringify(line), /\\ud83d/);
});

test('whatever is logged can cross threads', () => {
  const { log, lines } = channel();
  const cycle: { self?: unknown; f: () => void } = { f: () => {} };
  cycle.self = cycle;
  const error = Object.assign(new TypeError('wrong'), { code: 'E1' });
  const { proxy, revoke } = Proxy.revocable({}, {});
  revoke();
  const hostile = [
    proxy,
    { err: proxy },
    {
      get x() {
        throw proxy;
      },
    },
  ];
  for (const fields of [
    cycle,
    { f: () => {} },
    { n: 1n },
    { err: error },
    'only text',
    undefined,
    null,
    7,
    ['a'],
    ...hostile,
  ]) {
    log.write('info', fields, 'm');
  }
  for (const line of lines) structuredClone(line);
  assert.match(String(lines[0]!.fields.unreadableFields), /circular/);
  assert.equal(lines[2]!.fields, { n: '1' });
  const { err } = lines[3]!.fields as { err: { type: string; message: string; code: string; stack: string } };
  assert.is(`${err.type} ${err.message} ${err.code}`, 'TypeError wrong E1');
  assert.match(err.stack, /log-channel/);
  assert.is(lines[4]!.message, 'only text');
});

test('an error keeps its type through threads and pino, however its class is named, also one of another realm', () => {
  const { log, lines } = channel();
  class QuotaError extends Error {}
  const own = Object.assign(new Error('o'), { name: 'OwnError' });
  const afar = runInNewContext("new EvalError('from afar')") as Error;
  const caused = new RangeError('r', { cause: new QuotaError('the cause') });
  for (const err of [new TypeError('t'), new QuotaError('q'), own, caused, new DOMException('d', 'AbortError'), afar]) {
    log.write('error', { err });
  }
  log.write('error', new TypeError('without fields'));
  const written: { err: { type: string; message: string; stack: string; name?: string }; msg?: string }[] = [];
  const logger = pino({ base: null }, { write: (text: string) => void written.push(JSON.parse(text)) });
  for (const { fields, message } of lines) logger.error(withErrorType(structuredClone(fields)), message);
  assert.equal(
    written.map(({ err }) => `${err.type} ${err.message}`),
    [
      'TypeError t',
      'QuotaError q',
      'OwnError o',
      'RangeError r: the cause',
      'AbortError d',
      'EvalError from afar',
      'TypeError without fields',
    ],
  );
  assert.match(written[0]!.err.stack, /log-channel/);
  assert.is(written[6]!.msg, 'without fields');
});

test.run();
