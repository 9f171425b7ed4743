import type { EchoAnswer, Engine, FrameAnswer } from '../../src/engine/index.js';
import { frameHeaderBytes } from '../../src/protocol/limits.js';
import type { LargeFrame } from './large-frame.js';

/**
 * How long the engine alone takes for a frame's body on this thread, in seconds: the same numbers in the same parts,
 * without a socket, a server or another thread. What a server can come near to, since one thread at a time adds.
 * @throws Error where its answer is not the right one
 */
export function engineSeconds(engine: Engine, { bodyStart, block, blocks, bodyEnd, reply }: LargeFrame): number {
  const state = new Uint8Array(engine.bodyStateBytes);
  const startedAtMs = performance.now();
  engine.answerPart(state, state, [bodyStart], false);
  for (let count = 0; count < blocks; count++) engine.answerPart(state, state, [block], false);
  const answer = engine.answerPart(state, state, [bodyEnd], true);
  const seconds = (performance.now() - startedAtMs) / 1000;
  if (replyOf(answer) !== reply) throw new Error(`the engine answered ${replyOf(answer)} and not ${reply}`);
  return seconds;
}

function replyOf(answer: FrameAnswer | EchoAnswer | undefined): string {
  return answer?.kind === 'frame' ? Buffer.from(answer.frame.subarray(frameHeaderBytes)).toString() : 'nothing';
}
