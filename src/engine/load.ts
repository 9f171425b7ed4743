/** Finds and compiles the WASM beside this module, in Node, Deno, Bun and browsers. */
import { checkBytes } from '../protocol/bytes.js';
import { Engine } from './engine.js';

/**
 * Where the engine's module comes from, for whoever has it elsewhere than beside this file: its address (text counts
 * from the page, or is absolute), its bytes, or the module itself.
 */
export type EngineSource =
  | { readonly url: URL | string }
  | { readonly bytes: Uint8Array }
  | { readonly module: WebAssembly.Module };

// Bundlers know this form: they copy the file and put in its address.
const besideThisFile = new URL('./trama.wasm', import.meta.url);

/**
 * Compiles the engine's module once; it can be posted to other threads, which only instantiate it.
 * @throws TypeError for a source that is none of the three
 * @throws Error where nothing can be read at the address, or what is there is no WebAssembly module
 */
export async function compileEngine(source: EngineSource = { url: besideThisFile }): Promise<WebAssembly.Module> {
  const { url, bytes, module } = Object(source) as { url?: unknown; bytes?: unknown; module?: unknown };
  if (module instanceof WebAssembly.Module) return module;
  if (bytes !== undefined)
    return compile(checkBytes(bytes, 'compileEngine takes the bytes of a module'), 'these bytes');
  if (typeof url === 'string' || url instanceof URL) return compileAt(absolute(url));
  throw new TypeError('compileEngine takes { url }, { bytes } or { module }: a URL or a text, a Uint8Array, a module');
}

/** Compiles and instantiates the engine. @throws as `compileEngine` does */
export async function loadEngine(source?: EngineSource): Promise<Engine> {
  return new Engine(await compileEngine(source));
}

function absolute(url: URL | string): URL {
  try {
    return new URL(url, globalThis.location?.href);
  } catch (cause) {
    throw new TypeError(`compileEngine takes an absolute address where there is no page; "${url}" is none`, { cause });
  }
}

async function compileAt(url: URL): Promise<WebAssembly.Module> {
  // Not an import: bundlers for browsers would look for it. Deno and Bun also fetch files.
  const files = url.protocol === 'file:' ? globalThis.process?.getBuiltinModule?.('node:fs/promises') : undefined;
  if (files !== undefined) return compile(await reading(url, files.readFile(url)), `${url}`);
  const response = await reading(url, fetch(url));
  if (!response.ok) throw new Error(`the engine's module cannot be read from ${url}: HTTP status ${response.status}`);
  // Only a response of this type may be compiled as it comes, and many servers send another one.
  const type = response.headers.get('content-type');
  if (type === 'application/wasm') return WebAssembly.compileStreaming(response);
  return compile(new Uint8Array(await response.arrayBuffer()), `${url} (${type ?? 'without a content type'})`);
}

async function reading<T>(url: URL, read: Promise<T>): Promise<T> {
  try {
    return await read;
  } catch (cause) {
    throw new Error(`the engine's module cannot be read from ${url}: ${(cause as Error).message}`, { cause });
  }
}

async function compile(bytes: Uint8Array, origin: string): Promise<WebAssembly.Module> {
  try {
    // A copy, since WebAssembly takes no shared memory.
    return await WebAssembly.compile(new Uint8Array(bytes));
  } catch (cause) {
    throw new Error(`${origin}: this is not the engine's module: ${(cause as Error).message}`, { cause });
  }
}
