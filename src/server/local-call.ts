/** One request that comes from inside the process, such as the sidecar's, and goes the way of any other. */
import { randomUUID } from 'node:crypto';
import type { Engine } from '../engine/index.js';
import { frameHeaderBytes } from '../protocol/limits.js';
import { type ByteBudget, budgetIsEmpty } from './byte-budget.js';
import type { Dispatcher } from './dispatcher.js';
import type { FrameBuffers } from './frame-buffers.js';
import { FrameCollector } from './frame-collector.js';
import { cancelAll, type InFlight, type Peer } from './peer.js';

export interface LocalCallParts {
  readonly engine: Engine;
  readonly dispatcher: Dispatcher;
  readonly budget: ByteBudget;
  readonly buffers: FrameBuffers;
  readonly maxFrameBytes: number;
}

export interface LocalCallOptions {
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
}

/**
 * Resolves to the body of the response, an error response included.
 * @param data one JSON value, known to be well formed
 * @throws the signal's reason, where it is aborted; the work is stopped then
 */
export function callLocally(
  parts: LocalCallParts,
  op: string,
  data: Uint8Array,
  { timeoutMs, signal }: LocalCallOptions = {},
): Promise<Uint8Array> {
  const { promise, peer } = localPeer();
  if (signal) {
    signal.throwIfAborted();
    const onAbort = () => cancelAll(peer, 'the caller hung up');
    signal.addEventListener('abort', onAbort);
    promise.finally(() => signal.removeEventListener('abort', onAbort));
  }
  deliver(parts, peer, frameOf(op, data, timeoutMs));
  return promise.then((body) => {
    signal?.throwIfAborted();
    return body;
  });
}

function localPeer(): { promise: Promise<Uint8Array>; peer: Peer } {
  let resolve: (body: Uint8Array) => void;
  const promise = new Promise<Uint8Array>((settle) => {
    resolve = settle;
  });
  const send = (frame: Uint8Array) => resolve(frame.subarray(frameHeaderBytes));
  return { promise, peer: { inFlight: new Set<InFlight>(), send, refuse: send, settled: () => {} } };
}

/** `data` stands last and is one value, so it cannot reach the members around it. */
function frameOf(op: string, data: Uint8Array, timeoutMs: number | undefined): Buffer {
  const timeout = timeoutMs === undefined ? '' : `"timeoutMs":${timeoutMs},`;
  const head = Buffer.from(`0000{"id":"${randomUUID()}","op":${JSON.stringify(op)},${timeout}"data":`);
  const frame = Buffer.concat([head, data, Buffer.from('}')]);
  frame.writeUInt32BE(frame.length - frameHeaderBytes, 0);
  return frame;
}

function deliver(
  { engine, dispatcher, budget, buffers, maxFrameBytes }: LocalCallParts,
  peer: Peer,
  frame: Buffer,
): void {
  const wholeAtMs = performance.now();
  const collector = new FrameCollector(budget, buffers, wholeAtMs);
  if (frame.length - frameHeaderBytes > maxFrameBytes) {
    const message = `the request makes a body of ${frame.length - frameHeaderBytes} bytes, and ${maxFrameBytes} are allowed`;
    dispatcher.refuseBody(peer, frame.subarray(frameHeaderBytes), 'FRAME_TOO_LARGE', message);
  } else if (frame.length <= engine.inputBytes) {
    engine.run(frame);
    if (engine.handouts > 0) dispatcher.request(peer, frame, engine.handout(0), wholeAtMs);
    else peer.send(Buffer.from(engine.replies));
  } else {
    collector.take(frame);
    if (collector.isIncomplete) {
      dispatcher.refuseBody(peer, collector.body, 'OVERLOADED', budgetIsEmpty);
      collector.release();
    } else dispatcher.bulk(peer, collector, wholeAtMs);
  }
}
