/**
 * The program as `npm install` makes it in a clone: the sources of `src/` without their types, and the modules
 * of WebAssembly that are in the tree. No compiler is needed for either; the types and the engine's sources are checked by `npm test`.
 *
 * What has been stripped runs as what the compiler writes, and lines and columns are those of the sources. Types for
 * those who import it (`.d.ts`) are not among it.
 */
import { cpSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** WebAssembly that is kept in the tree, in `src/engine/`, as it was compiled from `assembly/`. */
export const keptModules = ['trama.wasm', 'column-scanner.wasm'];

/**
 * @param {string} root the project's folder
 * @param {string} folder where the program goes, as `src/` in it
 * @throws {Error} where a source is not TypeScript whose types can be left out
 */
export async function writeProgram(root, folder) {
  const strip = await stripper();
  const sources = join(root, 'src');
  for (const path of readdirSync(sources, { recursive: true })) {
    if (path.endsWith('.ts'))
      writeStripped(strip, join(sources, path), join(folder, 'src', path.replace(/\.ts$/, '.js')));
  }
  for (const name of keptModules) cpSync(join(sources, 'engine', name), join(folder, 'src/engine', name));
}

function writeStripped(strip, source, target) {
  mkdirSync(dirname(target), { recursive: true });
  let code;
  try {
    ({ code } = strip(readFileSync(source, 'utf8'), { mode: 'strip-only', module: true }));
  } catch (error) {
    throw new Error(`${source}: ${error.message ?? error}`);
  }
  writeFileSync(target, code);
}

async function stripper() {
  try {
    return (await import('@swc/wasm-typescript')).transformSync;
  } catch (error) {
    if (error.code !== 'ERR_MODULE_NOT_FOUND') throw error;
    throw new Error(
      'what takes the types out of the sources is a development dependency: run `npm install --include=dev`',
    );
  }
}
