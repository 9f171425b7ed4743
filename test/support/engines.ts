/** Both builds of the engine: what is held of the one is held of the other. The debug build checks its own invariants. */
import { compileEngine, Engine } from '../../src/engine/index.js';

const folder = new URL('../../src/engine/', import.meta.url);

async function load(file: string) {
  const module = await compileEngine({ url: new URL(file, folder) });
  return { module, engine: new Engine(module) };
}

export const builds = [
  { name: 'release', ...(await load('trama.wasm')) },
  { name: 'debug', ...(await load('trama.debug.wasm')) },
] as const;
