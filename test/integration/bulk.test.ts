/**
 * Sums of any size against the real server: the right digits, in memory that does not grow, and the right place of a
 * fault wherever it is. `TRAMA_TEST_FULL=1` sends gigabytes.
 */
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import * as assert from 'uvu/assert';
import { type RunningServer, startServer } from '../support/server.js';
import { suite } from '../support/suite.js';
import { until } from '../support/until.js';
import { frame, openWire, type Reply, request, type Wire } from '../support/wire.js';

const isFull = process.env.TRAMA_TEST_FULL === '1';
const test = suite('large sums', { timeoutMs: isFull ? 900_000 : 60_000 });

const mebi = 1024 * 1024;
const growthMax = 48 * mebi;
const faultBodyBytes = isFull ? 2 ** 31 : 24 * mebi;

let server: RunningServer;
const cleanUps: (() => unknown)[] = [];
test.before(async () => {
  server = await startServer({ after: (cleanUp) => void cleanUps.push(cleanUp) }, ['--workers', '1']);
});
test.after(async () => {
  for (const cleanUp of cleanUps) await cleanUp();
});

const onLinux = () => (process.platform === 'linux' ? undefined : 'memory is read from /proc');
const residentBytes = () => 4096 * Number(readFileSync(`/proc/${server.process.pid}/statm`, 'utf8').split(' ')[1]);

async function ping(wire: Wire): Promise<void> {
  await wire.send(request('ping', '$ping'));
  assert.equal(await wire.reply(), { id: 'ping', ok: true, result: { pong: true } });
}

/** A header that announces so many bytes. */
function header(bodyBytes: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(bodyBytes);
  return bytes;
}

/**
 * Sends one frame of so many bytes: `head`, `block` again and again, white space and `tail`. Answers how often the
 * block was sent, and the greatest resident memory of the server that was seen meanwhile.
 */
async function stream(
  wire: Wire,
  bodyBytes: number,
  head: string,
  block: string,
  tail: string,
): Promise<{ blocks: number; peakBytes: number }> {
  const { socket } = wire;
  const restBytes = bodyBytes - head.length - tail.length;
  const perWrite = Math.max(1, Math.floor((512 * 1024) / block.length));
  const many = Buffer.from(block.repeat(perWrite));
  const blocks = Math.floor(restBytes / block.length);
  let peakBytes = 0;
  const write = async (bytes: Uint8Array) => {
    if (!socket.write(bytes)) await once(socket, 'drain');
    peakBytes = Math.max(peakBytes, residentBytes());
  };
  await write(Buffer.concat([header(bodyBytes), Buffer.from(head)]));
  for (let sent = 0; sent < blocks; sent += perWrite) {
    await write(many.subarray(0, Math.min(perWrite, blocks - sent) * block.length));
  }
  await write(Buffer.from(' '.repeat(restBytes - blocks * block.length) + tail));
  return { blocks, peakBytes };
}

const head = '{"id":"1","op":"sum","data":[';

let isWarm = false;

/** What the server has resident before a test: the first large sums warm it up. */
async function settle(wire: Wire): Promise<number> {
  if (!isWarm) {
    await stream(wire, 96 * mebi, head, '1,', '1]}');
    assert.is((await wire.reply()).ok, true);
    isWarm = true;
  }
  return residentBytes();
}

test.needs(onLinux, 'a sum of any size is right to the last digit, in memory that stays flat', async (t) => {
  const wire = await openWire(t, server.port);
  const before = await settle(wire);
  // Each block adds 1: numbers of many kinds, lengths and signs.
  const block = '0.1,0.2,-0.3,123456789.000000001,-123456789, 1e-9,\n17,-16,-2e-9,5e300,-5e300,';
  const bodyBytes = isFull ? 0xffff_ffff : 300_000_000;
  const { blocks, peakBytes } = await stream(wire, bodyBytes, head, block, '0.5]}');
  assert.equal(String(await wire.take(1, 60_000)), `{"id":"1","ok":true,"result":${blocks}.5}`);
  const growth = peakBytes - before;
  assert.ok(growth < growthMax, `the server grew by ${Math.round(growth / mebi)} MiB`);
  await ping(wire);
});

test.needs(onLinux, 'nor does it grow with the number of sums that are just large', async (t) => {
  const wire = await openWire(t, server.port);
  await settle(wire);
  const some = async (count: number) => {
    for (let sent = 0; sent < count; sent += 50) {
      for (let index = 0; index < 50; index++) {
        wire.socket.write(frame(`${head}${'1,'.repeat(35_000 + (index % 7) * 1000)}1]}`));
      }
      await wire.take(50);
    }
  };
  await some(300);
  const before = residentBytes();
  await some(isFull ? 30_000 : 1500);
  const growth = residentBytes() - before;
  assert.ok(growth < growthMax, `the server grew by ${Math.round(growth / mebi)} MiB`);
});

/** What comes after gigabytes of good numbers, and the answer to it; `index` and `byte` are those of the tail. */
const faults: readonly {
  readonly what: string;
  readonly tail: string;
  readonly says: (at: { index: number; byte: number }) => string;
}[] = [
  {
    what: 'a letter at the last byte',
    tail: '1]x',
    says: ({ byte }) => `"error":"expected a comma or a closing brace at byte ${byte + 2}","code":"BAD_JSON"`,
  },
  { what: 'NaN', tail: 'NaN]}', says: ({ byte }) => `expected a JSON value at byte ${byte}","code":"BAD_JSON"` },
  {
    what: 'a nested array',
    tail: '[1]]}',
    says: ({ index, byte }) => `index ${index}, byte ${byte - head.length + 1}","code":"BAD_DATA"`,
  },
  {
    what: 'a string',
    tail: '"1"]}',
    says: ({ index, byte }) => `index ${index}, byte ${byte - head.length + 1}","code":"BAD_DATA"`,
  },
  {
    what: 'a number that is too large',
    tail: '1e309]}',
    says: ({ index, byte }) => `index ${index}, byte ${byte - head.length + 1}","code":"OUT_OF_RANGE"`,
  },
  {
    what: 'trailing junk',
    tail: '1]}]',
    says: ({ byte }) => `there is something after the JSON object at byte ${byte + 3}","code":"BAD_JSON"`,
  },
  {
    what: 'a second data',
    tail: '1],"data":[1]}',
    says: ({ byte }) => `a member appears twice at byte ${byte + 3}","code":"BAD_REQUEST"`,
  },
  {
    what: 'an end in the middle',
    tail: '1,',
    says: ({ byte }) =>
      `the body ends at byte ${byte + 2}, where it should go on: expected a JSON value","code":"BAD_JSON"`,
  },
];

for (const { what, tail, says } of faults) {
  test.needs(onLinux, `${what} after millions of numbers is found at its place`, async (t) => {
    const wire = await openWire(t, server.port);
    const before = await settle(wire);
    const { blocks, peakBytes } = await stream(wire, faultBodyBytes, head, '12.5,-1,', tail);
    const at = { index: 2 * blocks, byte: faultBodyBytes - tail.length };
    const [body] = await wire.take(1, 60_000);
    assert.ok(String(body).includes(says(at)), `${body}; expected ${says(at)}`);
    assert.ok(peakBytes - before < growthMax, `the server grew by ${Math.round((peakBytes - before) / mebi)} MiB`);
    await ping(wire);
  });
}

test.needs(
  onLinux,
  'a number of ten million digits counts exactly, and its exponent may bring it into range',
  async (t) => {
    const wire = await openWire(t, server.port);
    const before = await settle(wire);
    const digits = 10_000_000;
    const long = '7'.repeat(1000);
    for (const [opening, closing, answer] of [
      ['0.', ']}', '"result":0.7777777777777778}'],
      ['-', `e-${digits}]}`, '"result":-0.7777777777777778}'],
      [`7e-${digits + 400},0.5,`, `e-${digits - 1},-7.${'7'.repeat(300)}]}`, '"result":0.5}'],
      ['', ']}', 'a number has no finite binary64: index 0, byte 1","code":"OUT_OF_RANGE"'],
      ['1,', '.]}', `expected a digit at byte ${head.length + 2 + digits + 1}","code":"BAD_JSON"`],
    ] as const) {
      const start = `${head}${opening}`;
      const bodyBytes = start.length + digits + closing.length;
      const { peakBytes } = await stream(wire, bodyBytes, start, long, closing);
      const [body] = await wire.take(1, 60_000);
      assert.ok(String(body).includes(answer), `${opening}…${closing}: ${body}`);
      assert.ok(peakBytes - before < growthMax, `the server grew by ${Math.round((peakBytes - before) / mebi)} MiB`);
    }
    await ping(wire);
  },
);

/** A body in which what is given lies across the byte of that number. */
function across(border: number, what: string, isMember: boolean): Buffer {
  const text = Buffer.from(what);
  const start = isMember ? '{"id":"1","op":"sum","x":"' : head;
  const filler = (bytes: number) =>
    isMember ? 'x'.repeat(bytes) : `${'1,'.repeat(bytes / 2)}${' '.repeat(bytes % 2)}`;
  const at = border - 8;
  const after = isMember ? '","data":[7]}' : ',1]}';
  // Long enough for the workers.
  const body = [start, filler(at - start.length), text, after, ' '.repeat(800_000)];
  return Buffer.concat(body.map((part) => Buffer.from(part)));
}

test('tokens and characters that are cut anywhere around the borders of parts are answered alike', async (t) => {
  const wire = await openWire(t, server.port);
  const cases = [
    [true, 'é€😀\\u00e9\\"\\ud83d\\ude00é€😀é'],
    [true, 'abcé€\xff😀'],
    [false, '-123.4567890123e-5'],
    [false, '12345,true,nul,17'],
    [false, '123, "€😀", 17,18'],
  ] as const;
  const answers = new Map<string, Set<string>>();
  for (const border of [65_536, 262_144 - 7, 262_144, 327_680]) {
    for (const [isMember, what] of cases) {
      const body = across(border, what, isMember);
      const bytes = frame(what.includes('\xff') ? Buffer.from(body.toString().replace('ÿ', '\xff'), 'latin1') : body);
      const key = `${border} ${what}`;
      const seen = answers.get(key) ?? answers.set(key, new Set()).get(key)!;
      for (let cut = border - 10; cut < border + 24; cut += 3) {
        await wire.send(bytes.subarray(0, cut));
        // So that the pieces are read apart.
        await new Promise((resolve) => setTimeout(resolve, 1));
        await wire.send(bytes.subarray(cut));
        seen.add(String(await wire.take(1)));
      }
      assert.is(seen.size, 1, `${key}: ${[...seen].join(' | ')}`);
    }
  }
  const codes = [...answers].map(([key, seen]) => [key, (JSON.parse([...seen][0]!) as Reply).code ?? 'ok']);
  for (const [key, code] of codes) {
    const expected = key!.includes('\xff')
      ? 'BAD_JSON'
      : key!.includes('true') || key!.includes('"€')
        ? 'BAD_DATA'
        : 'ok';
    assert.is(code, expected, key!);
  }
  await ping(wire);
});

test('several at once are right each', async (t) => {
  const wires = await Promise.all(Array.from({ length: 24 }, () => openWire(t, server.port)));
  const sums = wires.map(async (wire, index) => {
    const { blocks } = await stream(wire, 2_000_000 + index, head, `${index}.25,`, '0]}');
    assert.is((await wire.reply(30_000)).result, blocks * (index + 0.25));
  });
  await Promise.all(sums);
});

test('SIGTERM lets a sum come to its end, and the server stops as on its first day', async (t) => {
  const wire = await openWire(t, server.port);
  const ones = 1_000_000;
  const bytes = frame(`${head}${'1,'.repeat(ones)}1]}`);
  await wire.send(bytes.subarray(0, 1_500_000));
  server.process.kill('SIGTERM');
  await until('it drains', () => server.log.some((line) => line.includes('drain')));
  await wire.send(bytes.subarray(1_500_000));
  assert.is((await wire.reply()).result, ones + 1);
  assert.equal(await wire.closed(), []);
  wire.finish();
  assert.is(await server.exited, 0);
  const errors = server.log.filter((line) => (JSON.parse(line) as { level: number }).level >= 50);
  assert.equal(errors, []);
  assert.is(server.stderr(), '');
});

test.run();
