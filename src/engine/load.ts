/** Finds and compiles the WASM beside this module, in Node, Deno, Bun and browsers. */
import { Engine } from './engine.js';

const releaseUrl = new URL('./trama.wasm', import.meta.url);

/**
 * Compiles the engine's module once; it can be posted to other threads, which only instantiate it.
 * @param url another build of it, such as `trama.debug.wasm`
 */
export async function compileEngine(url: URL = releaseUrl): Promise<WebAssembly.Module> {
  if (url.protocol === 'file:') {
    const { readFile } = await import('node:fs/promises');
    return WebAssembly.compile(await readFile(url));
  }
  return WebAssembly.compileStreaming(fetch(url));
}

/** Compiles and instantiates the engine. */
export async function loadEngine(url?: URL): Promise<Engine> {
  return new Engine(await compileEngine(url));
}
