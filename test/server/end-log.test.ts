import type { Socket } from 'node:net';
import { pino } from 'pino';
import * as assert from 'uvu/assert';
import { Counters } from '../../src/server/counters.js';
import { EndLog } from '../../src/server/end-log.js';
import { suite } from '../support/suite.js';

const test = suite('log of ended connections');

function makeLog() {
  const lines: Record<string, unknown>[] = [];
  const counters = new Counters();
  const log = pino({}, { write: (line: string) => void lines.push(JSON.parse(line)) });
  return { lines, counters, ends: new EndLog(counters, log) };
}

const socket = { remoteAddress: '127.0.0.1', remotePort: 4711 } as Socket;

test('tells why, and whose connection it was', () => {
  const { lines, counters, ends } = makeLog();
  ends.note('frame_too_large', socket);
  assert.is(counters.connectionsEnded.frame_too_large, 1);
  const { reason, remoteAddress, remotePort } = lines[0]!;
  assert.equal([reason, remoteAddress, remotePort], ['frame_too_large', '127.0.0.1', 4711]);
});

test('counts a crowd, and tells of ten of them and of how many more there were', () => {
  const { lines, counters, ends } = makeLog();
  for (let i = 0; i < 50; i++) ends.note('unread', socket);
  assert.is(counters.connectionsEnded.unread, 50);
  assert.is(lines.length, 10);
  ends.sweep();
  assert.is(lines.at(-1)!.more, 40);
  ends.note('unread', socket);
  assert.is(lines.length, 12);
});

test('leaves a drain to its own lines', () => {
  const { lines, counters, ends } = makeLog();
  ends.note('drain', socket);
  assert.equal([counters.connectionsEnded.drain, lines.length], [1, 0]);
});

test.run();
