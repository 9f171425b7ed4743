import { createServer, type Server } from 'node:net';
import * as assert from 'uvu/assert';
import type { Channel, ChannelHandlers, ReadTarget } from '../../../src/server/channel/channel.js';
import { openTcpChannel, ReadBuffer } from '../../../src/server/channel/tcp-channel.js';
import { suite, type TestContext } from '../../support/suite.js';
import { until } from '../../support/until.js';
import { openWire } from '../../support/wire.js';

const test = suite('TCP channel');

/** A channel whose handlers note what they are told. */
async function openChannel(
  t: TestContext,
  nextTarget: () => ReadTarget | undefined = () => undefined,
  onReceived: (channel: Channel) => void = () => {},
  early?: Uint8Array,
) {
  const told: string[] = [];
  const received: Buffer[] = [];
  const handlers: ChannelHandlers = {
    nextTarget,
    wantsLittle: () => false,
    received: (bytes) => {
      received.push(Buffer.from(bytes));
      onReceived(channel!);
    },
    written: () => told.push('written'),
    ended: () => told.push('ended'),
    failed: () => told.push('failed'),
    closed: () => told.push('closed'),
  };
  let channel: Channel | undefined;
  const server: Server = createServer({ pauseOnConnect: true, allowHalfOpen: true }, (socket) => {
    if (early !== undefined) socket.unshift(early);
    const { remoteAddress, remotePort } = socket;
    const arrival = { socket, address: { remoteAddress, remotePort }, identity: undefined };
    openTcpChannel(arrival, new ReadBuffer(), (it) => {
      channel = it;
      return handlers;
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => {
    channel?.destroy();
    server.close();
  });
  const wire = await openWire(t, (server.address() as { port: number }).port);
  await until('it is open', () => channel !== undefined);
  return { channel: channel!, wire, told, received };
}

test('gives the bytes in order, and tells who the peer is', async (t) => {
  const { channel, wire, received } = await openChannel(t);
  await wire.send('one ', 'two');
  await until('they come', () => Buffer.concat(received).toString() === 'one two');
  assert.equal([channel.address.remoteAddress, channel.identity], ['127.0.0.1', undefined]);
});

test('tells a write that the peer takes at once from one that has to wait', async (t) => {
  const { channel, wire, told } = await openChannel(t);
  wire.socket.pause();
  assert.is(channel.write(Buffer.alloc(1000)), 'taken');
  assert.is(channel.write(Buffer.alloc(20_000_000)), 'held');
  assert.equal(told, []);
  wire.socket.resume();
  await until('it is written', () => told.length === 1);
  assert.equal(told, ['written']);
});

test('reads nothing while it is paused', async (t) => {
  const { channel, wire, received } = await openChannel(t);
  channel.pause();
  await wire.send('x');
  await new Promise((resolve) => setTimeout(resolve, 50));
  assert.equal(received, []);
  channel.resume();
  await until('it comes', () => received.length === 1);
});

test('gives what a step before had read first, in the places that are meant for reads, and none of it while paused', async (t) => {
  const place = new Uint8Array(4);
  const pauseEachTime = (channel: Channel) => channel.pause();
  const early = Buffer.from('early bytes');
  const { channel, wire, received } = await openChannel(
    t,
    () => ({ bytes: place, release: () => {} }),
    pauseEachTime,
    early,
  );
  await wire.send(' late');
  for (let count = 1; Buffer.concat(received).length < 16; count++) {
    await until('a part comes', () => received.length === count);
    await new Promise((resolve) => setImmediate(resolve));
    assert.is(received.length, count);
    channel.resume();
  }
  assert.equal(received.map(String), ['earl', 'y by', 'tes', ' lat', 'e']);
});

test('tells a half-close from a peer that is gone, though both look like an end', async (t) => {
  const half = await openChannel(t);
  half.wire.finish();
  await until('it ends', () => half.told.includes('ended'));
  assert.is(half.channel.isPeerGone(), false);

  const gone = await openChannel(t);
  gone.channel.pause();
  // The bytes and the reset are there together, and only then read.
  await gone.wire.send('x');
  gone.wire.socket.resetAndDestroy();
  await new Promise((resolve) => setTimeout(resolve, 50));
  gone.channel.resume();
  await until('it is noticed', () => gone.told.includes('ended') || gone.told.includes('closed'));
  assert.is(gone.channel.isPeerGone(), true);
});

test('reads into the place that it is given, and elsewhere once that is taken back', async (t) => {
  const place = new Uint8Array(new SharedArrayBuffer(1000));
  let released = 0;
  let isOffered = true;
  const target = { bytes: place, release: () => released++ };
  const { channel, wire, received } = await openChannel(t, () => (isOffered ? target : undefined));
  await wire.send('first');
  await until('it comes', () => received.length === 1);
  assert.is(Buffer.from(place.subarray(0, 5)).toString(), 'first');
  isOffered = false;
  const before = released;
  assert.is(channel.retarget(), true);
  assert.is(released, before + 1);
  await wire.send('second');
  await until('it comes', () => received.length === 2);
  assert.equal([String(received[1]), Buffer.from(place.subarray(0, 5)).toString()], ['second', 'first']);
});

test.run();
