/**
 * A connection without a socket: feeds a stream to an engine in pieces, and keeps the rest that a piece leaves, as the
 * server's connection does. A body over the inline limit is collected and answered whole.
 */
import type { Engine, Envelope } from '../../src/engine/index.js';
import { frameHeaderBytes } from '../../src/protocol/limits.js';
import { type Answer, faultOf, type HandedOut } from '../reference/compare.js';
import type { Expectation } from '../reference/decoder.js';
import { splitFrames } from './wire.js';

/** Tokens of a handout, as Latin-1 of their bytes. */
export function handedOut(bytes: Uint8Array, envelope: Envelope): HandedOut {
  const token = (offset: number, length: number) =>
    length === 0 ? undefined : Buffer.from(bytes.subarray(offset, offset + length)).toString('latin1');
  return {
    id: token(envelope.idOffset, envelope.idLength) ?? '',
    op: token(envelope.opOffset, envelope.opLength) ?? '',
    data: token(envelope.dataOffset, envelope.dataLength),
    timeoutMs: envelope.timeoutMs,
  };
}

export class EngineStream {
  readonly answers: Answer[] = [];
  readonly #engine: Engine;
  #rest: Uint8Array = new Uint8Array(0);

  constructor(engine: Engine) {
    this.#engine = engine;
  }

  /** Bytes of the frame that is not whole yet. */
  get restBytes(): number {
    return this.#rest.length;
  }

  feed(piece: Uint8Array): this {
    this.#rest = this.#rest.length === 0 ? piece : Buffer.concat([this.#rest, piece]);
    while (true) {
      const given = this.#rest;
      const consumed = this.#engine.run(given);
      this.#take(given);
      this.#rest = given.subarray(consumed);
      const { stop } = this.#engine;
      if (stop === 'input') return this;
      if (stop === 'output' && consumed === 0)
        throw new Error('the engine asks to be called again, but does not get on');
      if (stop === 'large' && !this.#answerLarge()) return this;
    }
  }

  #take(given: Uint8Array): void {
    const { bodies, rest } = splitFrames(Buffer.from(this.#engine.replies));
    if (rest.length > 0) throw new Error(`the replies end in the middle of a frame: ${rest.toString('latin1')}`);
    this.answers.push(...bodies.map((body): Answer => ({ kind: 'reply', body })));
    for (let index = 0; index < this.#engine.handouts; index++) {
      this.answers.push({ kind: 'handout', handout: handedOut(given, this.#engine.handout(index)) });
    }
  }

  /** False where the body is not whole yet. */
  #answerLarge(): boolean {
    const bytes = this.#rest;
    const end = frameHeaderBytes + new DataView(bytes.buffer, bytes.byteOffset).getUint32(0);
    if (bytes.length < end) return false;
    this.answers.push(answerWhole(this.#engine, bytes.subarray(frameHeaderBytes, end)));
    this.#rest = bytes.subarray(end);
    return true;
  }
}

/** One body through `answer`. */
export function answerWhole(engine: Engine, body: Uint8Array): Answer {
  const answer = engine.answer(body);
  if (answer.kind === 'handout') return { kind: 'handout', handout: handedOut(body, answer.envelope) };
  const { bodies, rest } = splitFrames(Buffer.from(answer.frame));
  if (bodies.length !== 1 || rest.length > 0) throw new Error('answer() gave something else than one frame');
  return { kind: 'reply', body: bodies[0]! };
}

/** The pieces of a stream that is cut at the offsets. */
export function cutAt(stream: Uint8Array, offsets: readonly number[]): Uint8Array[] {
  const edges = [0, ...[...offsets].sort((a, b) => a - b), stream.length];
  return edges.slice(1).map((end, index) => stream.subarray(edges[index], end));
}

/**
 * Undefined where the answers are those expected, one for each frame; else the first difference. Replies keep the
 * order of their frames and so do handouts, but a run gives the one before the other.
 */
export function firstFault(answers: readonly Answer[], expected: readonly Expectation[]): string | undefined {
  if (answers.length !== expected.length) return `${answers.length} answers to ${expected.length} frames`;
  const replies = answers.filter(({ kind }) => kind === 'reply').values();
  const handouts = answers.filter(({ kind }) => kind === 'handout').values();
  for (const [index, each] of expected.entries()) {
    const { value } = (each.kind === 'handout' ? handouts : replies).next();
    const fault = faultOf(value, each);
    if (fault !== undefined) return `frame ${index}: ${fault}`;
  }
  return undefined;
}
