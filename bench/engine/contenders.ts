/** The two sides of an engine case, the engine and JavaScript: the same bytes in, reply frames out. */
import { isDeepStrictEqual } from 'node:util';
import type { Engine } from '../../src/engine/index.js';
import { frameHeaderBytes, inlineBytesMax } from '../../src/protocol/limits.js';
import { plainAnswer } from '../peers/plain-answer.js';
import type { EngineCase } from './engine-cases.js';

export interface Contenders {
  /** Frames that one call of either answers: a socket read's worth of small ones, or one that is large. */
  readonly frames: number;
  readonly engine: () => void;
  readonly javascript: () => void;
}

/** @throws Error where the two do not agree on the answer, so that nothing wrong is ever timed */
export function contendersFor(engine: Engine, { body, name, group }: EngineCase): Contenders {
  const expected = plainAnswer(body.toString());
  if (body.length > inlineBytesMax) {
    const answer = engine.answer(body);
    if (answer.kind !== 'frame') throw new Error(`${group}, ${name}: the engine does not answer`);
    compare(`${group}, ${name}`, answer.frame, expected);
    return {
      frames: 1,
      engine: () => void engine.answer(body),
      javascript: () => void plainAnswer(body.toString()),
    };
  }
  const frame = Buffer.concat([headerOf(body), body]);
  const frames = Math.max(1, Math.floor(inlineBytesMax / frame.length));
  const read = Buffer.concat(Array<Buffer>(frames).fill(frame));
  runAll(engine, read.subarray(0, frame.length));
  compare(`${group}, ${name}`, engine.replies, expected);
  return { frames, engine: () => runAll(engine, read), javascript: () => answerAll(read) };
}

function headerOf(body: Buffer): Buffer {
  const header = Buffer.alloc(frameHeaderBytes);
  header.writeUInt32BE(body.length);
  return header;
}

function runAll(engine: Engine, bytes: Uint8Array): void {
  let offset = 0;
  while (offset < bytes.length) {
    const consumed = engine.run(offset === 0 ? bytes : bytes.subarray(offset));
    if (consumed === 0 || engine.handouts > 0) throw new Error(`the engine stopped at byte ${offset}: ${engine.stop}`);
    offset += consumed;
  }
}

function answerAll(bytes: Buffer): Buffer {
  const replies: Buffer[] = [];
  let offset = 0;
  while (offset < bytes.length) {
    const end = offset + frameHeaderBytes + bytes.readUInt32BE(offset);
    replies.push(plainAnswer(bytes.toString('utf8', offset + frameHeaderBytes, end)));
    offset = end;
  }
  return replies.length === 1 ? replies[0]! : Buffer.concat(replies);
}

/** Sums may differ in their last digits: JavaScript rounds at each addition, the engine once. */
function compare(name: string, actual: Uint8Array, expected: Uint8Array): void {
  const [a, b] = [actual, expected].map(
    (frame) => JSON.parse(Buffer.from(frame.subarray(frameHeaderBytes)).toString()) as { ok: boolean; result: unknown },
  );
  const near =
    typeof a!.result === 'number' && typeof b!.result === 'number'
      ? Math.abs(a!.result - b!.result) <= Math.abs(b!.result) * 1e-6
      : isDeepStrictEqual(a!.result, b!.result);
  if (!a!.ok || !near) throw new Error(`${name}: the engine's answer is not JavaScript's`);
}
