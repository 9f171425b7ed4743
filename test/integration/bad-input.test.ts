/**
 * Whatever bytes come to the real server: exactly one reply for each whole frame, with the right code and a place;
 * and the server lives, answers, and does not grow.
 */
import { randomBytes } from 'node:crypto';
import * as assert from 'uvu/assert';
import { inlineBytesMax } from '../../src/protocol/limits.js';
import { faultOf } from '../reference/compare.js';
import { type Expectation, expectBody } from '../reference/decoder.js';
import { type RunningServer, startServer } from '../support/server.js';
import { suite } from '../support/suite.js';
import { until } from '../support/until.js';
import { frame, openWire, type Reply, request, type Wire } from '../support/wire.js';
import { asEcho, suiteCases } from '../vectors/json-test-suite.js';
import { bodyOf, cases } from '../vectors/protocol.js';

const test = suite('bad input', { timeoutMs: 60_000 });

let server: RunningServer;
const cleanUps: (() => unknown)[] = [];
test.before(async () => {
  server = await startServer({ after: (cleanUp) => void cleanUps.push(cleanUp) });
});
test.after(async () => {
  for (const cleanUp of cleanUps) await cleanUp();
});

const parse = (body: Buffer) => JSON.parse(body.toString()) as Reply;
const ping = async (wire: Wire, id = 'ping') => {
  await wire.send(request(id, '$ping'));
  const reply = await wire.reply();
  assert.equal(reply, { id, ok: true, result: { pong: true } });
};

/** What the server makes of what its engine hands out: it has no operations but the built-in ones. */
function faultOfReply(body: Buffer, expected: Expectation): string | undefined {
  if (expected.kind !== 'handout') return faultOf({ kind: 'reply', body }, expected);
  const { ok, code, id } = parse(body);
  const right = expected.op.startsWith('"$') ? ok : code === 'UNKNOWN_OP';
  return right && JSON.stringify(id) === expected.id
    ? undefined
    : `answered ${body}; expected ${JSON.stringify(expected)}`;
}

test('every case of the protocol’s table has its one reply, and the connection stays', async (t) => {
  const wire = await openWire(t, server.port);
  for (const each of cases) {
    await wire.send(frame(bodyOf(each)));
    const [reply] = await wire.take(1);
    const fault = faultOfReply(reply!, expectBody(bodyOf(each)));
    if (fault !== undefined) assert.unreachable(`${each.name}: ${fault.slice(0, 500)}`);
    if ('says' in each.expect) assert.match(parse(reply!).error ?? '', each.expect.says);
  }
  await ping(wire);
});

test('JSONTestSuite over the wire', async (t) => {
  const wire = await openWire(t, server.port);
  for (const { name, text } of suiteCases) {
    const body = asEcho(text);
    await wire.send(frame(body));
    const [reply] = await wire.take(1);
    const fault = faultOfReply(reply!, expectBody(body));
    if (fault !== undefined) assert.unreachable(`${name}: ${fault.slice(0, 500)}`);
  }
  await ping(wire);
});

/** Frames of every kind, each with an id of its own where it can have one. */
const mixture = [
  request('a', 'echo', '{"x": [1.50, "é"]}'),
  frame(''),
  request('b', 'sum', '[0.1, 0.2]'),
  frame('{"id":"c","op":"echo","data":tru}'),
  request('d', 'nobody-has-this', '1'),
  frame(Buffer.from('7b22ff22', 'hex')),
  request('e', 'upper', '"straße"'),
  request('f', 'sum', '[1,"2"]'),
  frame('{"id":7}'),
  request('g', 'sum', '[1e400]'),
  request('h', '$ping'),
  frame('[]'),
];

test('a pipelined mixture is answered alike, wherever it is cut', async (t) => {
  const stream = Buffer.concat(mixture);
  const answersTo = async (wire: Wire, pieces: readonly Buffer[]) => {
    for (const piece of pieces) {
      await wire.send(piece);
      // Gives the piece a segment of its own; were two to melt into one, the answers must be the same.
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
    return (await wire.take(mixture.length)).map(String).sort();
  };
  const first = await openWire(t, server.port);
  const whole = await answersTo(first, [stream]);
  assert.equal(
    whole.map((text) => parse(Buffer.from(text)).code ?? 'ok').sort(),
    [
      ...Array(4).fill('BAD_JSON'),
      'BAD_DATA',
      'BAD_REQUEST',
      'OUT_OF_RANGE',
      'UNKNOWN_OP',
      ...Array(4).fill('ok'),
    ].sort(),
  );
  const offsets = [...stream.keys()];
  const lane = async () => {
    const wire = await openWire(t, server.port);
    for (let offset = offsets.pop(); offset !== undefined; offset = offsets.pop()) {
      const answers = await answersTo(wire, [stream.subarray(0, offset), stream.subarray(offset)]);
      assert.equal(answers, whole, `cut at ${offset}`);
    }
  };
  await Promise.all(Array.from({ length: 8 }, lane));
  const bytewise = Array.from(stream, (_, index) => stream.subarray(index, index + 1));
  assert.equal(await answersTo(first, bytewise), whole);
});

test('a length of 0 is an empty body: not JSON, and the connection stays', async (t) => {
  const wire = await openWire(t, server.port);
  await wire.send(Buffer.alloc(4));
  const reply = await wire.reply();
  assert.is(reply.code, 'BAD_JSON');
  assert.is(reply.id, null);
  assert.match(reply.error ?? '', /byte 0/);
  await wire.send(Buffer.alloc(4000));
  assert.ok((await wire.take(1000)).every((body) => parse(body).code === 'BAD_JSON'));
  await ping(wire);
});

test('a length of 2^32-1 is refused once it is clear that it is for no sum, and what came before is answered', async (t) => {
  const wire = await openWire(t, server.port);
  await wire.send(
    Buffer.concat([
      request('before', 'echo', '1'),
      Buffer.from('ffffffff', 'hex'),
      Buffer.from(`{"id":"long","op":"upper","data":"${'x'.repeat(65536)}`),
    ]),
  );
  const replies = (await wire.closed()).map(parse);
  assert.equal(replies[0], { id: 'before', ok: true, result: 1 });
  assert.is(replies[1]?.code, 'FRAME_TOO_LARGE');
  assert.is(replies[1]?.id, 'long');
  assert.match(replies[1]?.error ?? '', /4294967295/);
  assert.is(replies.length, 2);
});

test('a body one byte over the limit is refused, one at the limit is answered', async (t) => {
  const own = await startServer(t, ['--max-frame-bytes', '100000']);
  const echoOf = (bodyBytes: number) => {
    const empty = '{"id":"1","op":"echo","data":""}';
    return frame(empty.replace('""}', `"${'x'.repeat(bodyBytes - empty.length)}"}`));
  };
  const wire = await openWire(t, own.port);
  await wire.send(echoOf(100_000));
  assert.is((await wire.reply()).ok, true);
  await wire.send(echoOf(100_001));
  const replies = (await wire.closed()).map(parse);
  assert.equal(
    replies.map(({ code }) => code),
    ['FRAME_TOO_LARGE'],
  );
});

test('other protocols are refused: HTTP, TLS', async (t) => {
  for (const greeting of ['GET / HTTP/1.1\r\nHost: x\r\n\r\n', Buffer.from('16030102000100', 'hex')]) {
    const wire = await openWire(t, server.port);
    await wire.send(greeting);
    const replies = (await wire.closed()).map(parse);
    assert.equal(
      replies.map(({ code }) => code),
      ['FRAME_TOO_LARGE'],
    );
  }
});

test('half a header and no more: nothing is answered, and the server closes when the peer does', async (t) => {
  for (const bytes of [1, 2, 3]) {
    const wire = await openWire(t, server.port);
    await wire.send(Buffer.alloc(bytes));
    wire.finish();
    assert.equal(await wire.closed(), []);
  }
});

test('half a header that is never finished ends its connection by the frame’s deadline, and no other', async (t) => {
  const own = await startServer(t, ['--frame-timeout-ms', '1000']);
  const idle = await openWire(t, own.port);
  const stalled = await Promise.all(
    [Buffer.from('0000', 'hex'), Buffer.from('000000ff7b22', 'hex'), Buffer.from('00100000', 'hex')].map(
      async (bytes) => {
        const wire = await openWire(t, own.port);
        await wire.send(request('before', 'echo'), bytes);
        return wire;
      },
    ),
  );
  for (const wire of stalled) {
    const [before, ...more] = (await wire.closed(20_000)).map(parse);
    assert.is(before?.id, 'before');
    assert.ok(more.every(({ ok }) => !ok));
  }
  await ping(idle);
});

test('an end in the middle of a frame drops it; requests before it are answered', async (t) => {
  const partial = request('partial', 'echo', '"never whole"').subarray(0, -1);
  const stream = Buffer.concat([request('1', 'echo', '1'), request('2', 'sum', '[2]'), partial]);
  for (const pieces of [[stream], [stream.subarray(0, 20), stream.subarray(20)]]) {
    const wire = await openWire(t, server.port);
    await wire.send(...pieces);
    wire.finish();
    assert.equal(
      (await wire.closed()).map((body) => parse(body).id),
      ['1', '2'],
    );
  }
});

test('a half-close with work in flight: all is answered, then the server closes', async (t) => {
  const wire = await openWire(t, server.port);
  const large = request('large', 'sum', `[${'0.25,'.repeat(400_000)}0]`);
  await wire.send(Buffer.concat([request('small', 'echo'), large, request('unknown', 'nobody-has-this')]));
  wire.finish();
  const replies = new Map((await wire.closed(30_000)).map(parse).map((reply) => [reply.id, reply]));
  assert.equal([...replies.keys()].sort(), ['large', 'small', 'unknown']);
  assert.is(replies.get('large')?.result, 100_000);
  assert.is(replies.get('unknown')?.code, 'UNKNOWN_OP');
});

test('faults in large bodies have the same codes as in small ones', async (t) => {
  const wire = await openWire(t, server.port);
  const pad = ' '.repeat(100_000);
  const bodies = [
    `{"id":"1","op":"echo","data":${pad}tru}`,
    `${pad}[]`,
    `{${pad}"op":"echo"}`,
    `{"id":"4","op":"sum","data":[${pad}null]}`,
    `{"id":"5","op":"x"${pad}}`,
    `{"id":"6","op":"echo",${pad}"id":"6"}`,
    `{"id":"7","op":"echo","data":"${pad}`,
    `{"id":"8","op":"sum","data":[1e308,${pad}1e308]}`,
    ...['-1', '0', '"5"', 'null', '{}'].map((budget) => `{"id":"9","op":"echo","timeoutMs":${budget}${pad}}`),
  ];
  for (const body of bodies) {
    await wire.send(frame(body));
    const [reply] = await wire.take(1);
    const fault = faultOfReply(reply!, expectBody(Buffer.from(body)));
    if (fault !== undefined) assert.unreachable(`${body.slice(0, 60)}…: ${fault.slice(0, 300)}`);
  }
  await ping(wire);
});

test('a budget is read whole, also where only the first bytes of a body are looked at', async (t) => {
  const wire = await openWire(t, server.port);
  const head = '{"id":"1","op":"echo","timeoutMs":';
  // Ten minutes, written so that each beginning of it is no time at all; the border is at each of its digits.
  const budget = '0.0000000006e15';
  for (let past = -2; past < budget.length + 2; past++) {
    const spaces = ' '.repeat(inlineBytesMax + 4 - head.length - past);
    await wire.send(frame(`${head}${spaces}${budget}${' '.repeat(50)}}`));
    assert.equal(await wire.reply(), { id: '1', ok: true, result: null }, `with ${past} bytes before the border`);
  }
});

test('a thousand connections that send nothing hinder nobody, and are answered when they speak', {
  timeoutMs: 120_000,
}, async (t) => {
  const wires: Wire[] = [];
  while (wires.length < 1000) {
    wires.push(...(await Promise.all(Array.from({ length: 100 }, () => openWire(t, server.port)))));
  }
  const busy = await openWire(t, server.port);
  await ping(busy);
  await Promise.all(wires.map((wire, index) => ping(wire, `${index}`)));
});

test('connections that are reset at any moment do no harm', async (t) => {
  const stream = Buffer.concat(mixture);
  for (let index = 0; index < 100; index++) {
    const wire = await openWire(t, server.port);
    wire.socket.write(stream.subarray(0, index * 4));
    wire.socket.resetAndDestroy();
  }
  await ping(await openWire(t, server.port));
});

/** Bytes resident in memory, as the server itself says. */
async function residentBytes(): Promise<number> {
  const metrics = await (await fetch(`http://127.0.0.1:${server.httpPort}/metrics`)).text();
  const [, value] = /^process_resident_memory_bytes\S* (\S+)$/m.exec(metrics) ?? [];
  assert.ok(value, 'the metrics name the resident memory');
  return Number(value);
}

/** Rubbish on one connection, in any pieces; errors of the socket are expected. */
async function rubbish(t: Parameters<typeof openWire>[0], bytes: Buffer): Promise<void> {
  const wire = await openWire(t, server.port);
  await new Promise<void>((resolve) => {
    wire.socket.once('close', resolve).once('end', resolve);
    wire.socket.resume();
    wire.socket.end(bytes);
  });
  wire.socket.destroy();
}

/** One round of everything that a hostile peer may try to make the server keep. */
async function assault(t: Parameters<typeof openWire>[0]): Promise<void> {
  const faults = Buffer.concat(
    Array<Buffer>(2000).fill(Buffer.concat([frame('{"id":'), frame(''), frame('{"op":1}')])),
  );
  const wire = await openWire(t, server.port);
  await wire.send(faults);
  assert.is((await wire.take(6000, 30_000)).length, 6000);
  wire.socket.destroy();
  const announced = Buffer.concat([Buffer.from('ffffffff', 'hex'), Buffer.alloc(8 << 20, 0x20)]);
  const unfinished = Buffer.concat([Buffer.from('00ffffff', 'hex'), Buffer.alloc(1 << 20, 0x20)]);
  await Promise.all([
    rubbish(t, announced),
    ...Array.from({ length: 8 }, () => rubbish(t, unfinished)),
    ...Array.from({ length: 20 }, () => rubbish(t, randomBytes(4096))),
    ...Array.from({ length: 20 }, () =>
      rubbish(t, Buffer.concat(Array.from({ length: 50 }, () => frame(randomBytes(40))))),
    ),
  ]);
}

test('rubbish leaves the server alive, and no larger than it was', { timeoutMs: 120_000 }, async (t) => {
  // The first rounds fill the allocator's and the collector's slack; a leak goes on after them.
  for (let round = 0; round < 6; round++) await assault(t);
  const before = await residentBytes();
  for (let round = 0; round < 20; round++) await assault(t);
  // What a round makes the server hold is some 16 MiB: kept each time, it would be three times this limit.
  const limitBytes = before + (96 << 20);
  await until('the server holds less than 96 MiB more', async () => (await residentBytes()) < limitBytes, {
    timeoutMs: 30_000,
    everyMs: 250,
  });
  assert.is(server.process.exitCode, null);
  await ping(await openWire(t, server.port));
});

test('after all this the server stops as on its first day', async () => {
  assert.is(await server.stop(), 0);
  const faults = server.log.filter((line) => (JSON.parse(line) as { level: number }).level >= 50);
  assert.equal(faults, [], 'no error was logged');
  assert.is(server.stderr(), '');
});

test.run();
