import * as assert from 'uvu/assert';
import { carefulReader } from '../../bench/load/reply-format.js';
import { ReplyScanner } from '../../bench/load/reply-scanner.js';
import { idOfSlot } from '../../bench/load/request-ring.js';
import { suite } from '../support/suite.js';

const test = suite('the load generator’s reply scanner');

const data = '"hola"';

function frame(body: string): Buffer {
  const header = Buffer.alloc(4);
  header.writeUInt32BE(Buffer.byteLength(body));
  return Buffer.concat([header, Buffer.from(body)]);
}

const compact = (slot: number) => frame(`{"id":"${idOfSlot(slot)}","ok":true,"result":${data}}`);
const spaced = (slot: number) => frame(`{"id": "${idOfSlot(slot)}", "ok": true, "result": ${data}}`);
const resp = (slot: number) => Buffer.from(`$14\r\n${idOfSlot(slot)}${data}\r\n`);

const dialects = [
  { name: 'compact frames', wire: 'frames', reply: compact },
  { name: 'spaced frames', wire: 'frames', reply: spaced },
  { name: 'RESP', wire: 'resp', reply: resp },
] as const;

const order = [3, 0, 1, 255, 2, 4];

for (const { name, wire, reply } of dialects) {
  test(`finds the same replies at every cut of the stream: ${name}`, () => {
    const stream = Buffer.concat(order.map(reply));
    for (let cut = 0; cut <= stream.length; cut++) {
      const scanner = new ReplyScanner(carefulReader(wire, 'echo', data), order.length);
      const found: number[] = [];
      for (const part of [stream.subarray(0, cut), stream.subarray(cut)]) {
        scanner.take(part);
        found.push(...scanner.slots.subarray(0, scanner.count));
      }
      assert.equal(found, order, `cut at byte ${cut}`);
    }
  });

  test(`keeps nothing of a read buffer that is written over: ${name}`, () => {
    const scanner = new ReplyScanner(carefulReader(wire, 'echo', data), 2);
    const buffer = Buffer.alloc(200);
    const stream = Buffer.concat([reply(5), reply(6)]);
    const cut = stream.length - 3;
    stream.copy(buffer, 0, 0, cut);
    scanner.take(buffer.subarray(0, cut));
    buffer.fill(0xff);
    scanner.take(stream.subarray(cut));
    assert.equal([...scanner.slots.subarray(0, scanner.count)], [6]);
  });
}

test('replies that change their shape in mid-stream are still read', () => {
  const scanner = new ReplyScanner(carefulReader('frames', 'echo', data), 4);
  scanner.take(Buffer.concat([compact(0), spaced(1), spaced(2), compact(3)]));
  assert.equal([...scanner.slots], [0, 1, 2, 3]);
});

const wrongReplies = [
  {
    name: 'an error reply',
    bytes: frame('{"id":"00000001","ok":false,"error":"no","code":"INTERNAL"}'),
    says: /an error/,
  },
  { name: 'another result', bytes: frame('{"id":"00000001","ok":true,"result":"halo"}'), says: /result is wrong/ },
  {
    name: 'an id that was never sent',
    bytes: frame('{"id":"nonsense","ok":true,"result":"hola"}'),
    says: /never sent/,
  },
  { name: 'no id', bytes: frame('{"ok":true,"result":"hola"}'), says: /never sent/ },
  { name: 'what is not JSON', bytes: frame('{"id":"00000001","ok":true,'), says: /not JSON/ },
];

for (const { name, bytes, says } of wrongReplies) {
  test(`refuses ${name}, first or after good ones`, () => {
    for (const before of [[], [compact(0), compact(2)]]) {
      const scanner = new ReplyScanner(carefulReader('frames', 'echo', data), 8);
      for (const good of before) scanner.take(good);
      assert.throws(() => scanner.take(bytes), says);
    }
  });
}

test('an error of the same length as an ok reply is refused in the midst of a batch', () => {
  const scanner = new ReplyScanner(carefulReader('frames', 'echo', data), 8);
  const ok = compact(1);
  const error = Buffer.from(ok.toString('latin1').replace('true', 'fals'), 'latin1');
  assert.is(error.length, ok.length);
  assert.throws(() => scanner.take(Buffer.concat([compact(0), compact(2), error])), /not JSON/);
});

const large = JSON.stringify('x'.repeat(300_000));
const largeReply = (slot: number, result = large) => frame(`{"id":"${idOfSlot(slot)}","ok":true,"result":${result}}`);

test('replies that are much larger than a read are found, however they are cut', () => {
  const scanner = new ReplyScanner(carefulReader('frames', 'echo', large), 3);
  const stream = Buffer.concat([2, 0, 1].map((slot) => largeReply(slot)));
  const found: number[] = [];
  for (let at = 0; at < stream.length; at += 64_000) {
    scanner.take(stream.subarray(at, at + 64_000));
    found.push(...scanner.slots.subarray(0, scanner.count));
  }
  assert.equal(found, [2, 0, 1]);
});

test('a wrong byte in the midst of a large reply is found, and an error that comes in its place', () => {
  const wrong = large.replace('xxxx"', 'xxyx"');
  const error = frame(`{"id":"00000001","ok":false,"error":"${'no '.repeat(50)}","code":"INTERNAL"}`);
  for (const [bytes, says] of [
    [largeReply(1, wrong), /result is wrong/],
    [error, /an error/],
  ] as const) {
    const scanner = new ReplyScanner(carefulReader('frames', 'echo', large), 3);
    scanner.take(largeReply(0));
    assert.throws(() => {
      for (const part of [bytes.subarray(0, 40), bytes.subarray(40)]) scanner.take(part);
    }, says);
  }
});

test('an error from Redis is refused', () => {
  const scanner = new ReplyScanner(carefulReader('resp', 'echo', data), 8);
  scanner.take(resp(0));
  assert.throws(() => scanner.take(Buffer.from("-ERR unknown command 'SUM'\r\n")), /unknown command/);
});

test('more replies than requests in flight are refused', () => {
  const scanner = new ReplyScanner(carefulReader('frames', 'echo', data), 2);
  assert.throws(() => scanner.take(Buffer.concat([0, 1, 2].map(compact))), /more replies than/);
});

test('a sum may differ in its last digits, no more', () => {
  const reply = (result: string) => frame(`{"id":"00000000","ok":true,"result":${result}}`);
  const read = carefulReader('frames', 'sum', '[0.1, 0.2]');
  for (const result of ['0.3', '0.30000000000000004']) {
    const taken = read(reply(result), 0);
    assert.is(typeof taken === 'object' && taken.slot, 0, result);
  }
  assert.throws(() => read(reply('0.31'), 0), /result is wrong/);
});

test.run();
