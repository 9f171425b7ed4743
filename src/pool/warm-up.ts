import type { Engine } from '../engine/index.js';

/**
 * Runs the engine on some of its own work, so that V8 has optimised code for it before the first request: a WASM loop
 * that has begun in baseline code stays in it to its end. The optimised code belongs to the module, so it serves all
 * threads that share it.
 */

const bodyBytes = 64 * 1024;
const rounds = 8;

/** @throws Error where the engine does not give the right sum: then nothing else that it says can be trusted. */
export function warmUp(engine: Engine): void {
  const number = '1234.5678,';
  const count = Math.floor(bodyBytes / number.length);
  const body = new TextEncoder().encode(`{"id":"warm-up","op":"sum","data":[${number.repeat(count)}0]}`);
  for (let round = 0; round < rounds; round += 1) {
    const answer = engine.answer(body);
    if (answer.kind !== 'frame' || answer.code !== undefined) throw new Error('the engine cannot add numbers');
  }
}
