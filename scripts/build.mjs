/**
 * `npm run build`: compiles everything into a folder of its own and puts it in the place of `dist/` at once.
 *
 *     node scripts/build.mjs                 all, with the tools of `tools/`, which are installed where they are missing
 *     node scripts/build.mjs --if-missing    the same, but only where `dist/` has no tests and no benchmark
 *     node scripts/build.mjs --at-install    what npm runs at `npm install` and `npm pack`: all where the tools are there
 *                                            or a package is made, else only the program (`program.mjs`)
 *
 * A server that runs from `dist/` keeps its files: they are missing only between two renames. A build that fails or is
 * stopped leaves `dist/` as it was. Builds at the same time do not meet; the last one to finish wins.
 *
 * Exit status 0; or 1, after the compilers' own messages and one line of this script; or 128 and the signal's number.
 */
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { constants } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { writeProgram } from './program.mjs';
import { putInPlace, removeLeftovers } from './put-in-place.mjs';
import { areToolsInstalled, installTools, toolFile } from './tools.mjs';

const root = fileURLToPath(new URL('../', import.meta.url));

/** @param {string} folder where the compiled files go */
function compilersInto(folder) {
  const asc = toolFile('assemblyscript/bin/asc.js');
  const module = (entry, target, name) => {
    return [asc, entry, '--target', target, '--outFile', join(folder, 'src/engine', name)];
  };
  return {
    tsc: [toolFile('typescript/bin/tsc'), '--outDir', folder],
    'asc (release)': module('assembly/index.ts', 'release', 'trama.wasm'),
    'asc (debug)': module('assembly/index.ts', 'debug', 'trama.debug.wasm'),
    'asc (column scanner)': module('assembly/column-scanner/index.ts', 'release', 'column-scanner.wasm'),
  };
}

/** @type {Set<import('node:child_process').ChildProcess>} */
const running = new Set();
/** @type {NodeJS.Signals | undefined} */
let stoppedBy;

/** @returns {Promise<string | undefined>} what failed, once the compiler has ended */
function compile(name, args) {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, args, { cwd: root, stdio: ['ignore', 'inherit', 'inherit'] });
    running.add(child);
    child.once('error', (error) => resolve(`${name}: ${error.message}`));
    child.once('close', (status, signal) => {
      running.delete(child);
      resolve(status === 0 ? undefined : `${name} ended with ${signal ?? `status ${status}`}`);
    });
  });
}

/** The compilers end first, so that none of them writes into a folder that is removed. */
function stopAt(signal) {
  process.on(signal, () => {
    stoppedBy ??= signal;
    for (const child of running) child.kill('SIGTERM');
  });
}

/** Whether npm makes a package: it has types, which only the compiler writes. */
const isPacking = ['pack', 'publish'].includes(process.env.npm_command);

/** @param {string} folder where the compiled files go. @throws {Error} where a compiler fails */
async function compileAll(folder) {
  mkdirSync(join(folder, 'src/engine'), { recursive: true });
  const compilers = Object.entries(compilersInto(folder));
  const endings = await Promise.all(compilers.map(([name, args]) => compile(name, args)));
  const failures = endings.filter((failure) => failure !== undefined);
  if (failures.length > 0 && stoppedBy === undefined) throw new Error(failures.join('; '));
}

/** @param {boolean} isWhole whether tests and benchmark are compiled, and the engine from its sources */
async function build(isWhole) {
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) stopAt(signal);
  if (isWhole) installTools();
  removeLeftovers(root, '.dist');
  const folder = mkdtempSync(join(root, `.dist-${process.pid}-`));
  try {
    const fresh = join(folder, 'dist');
    await (isWhole ? compileAll(fresh) : writeProgram(root, fresh));
    if (stoppedBy !== undefined) throw new Error(`${stoppedBy} came`);
    putInPlace(fresh, join(root, 'dist'));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

const [when] = process.argv.slice(2);
const isThere = when === '--if-missing' && existsSync(join(root, 'dist/test')) && existsSync(join(root, 'dist/bench'));
try {
  if (!isThere) await build(when !== '--at-install' || isPacking || areToolsInstalled());
} catch (error) {
  process.stderr.write(`build: ${error.message}; dist/ is as it was\n`);
  process.exitCode = stoppedBy === undefined ? 1 : 128 + constants.signals[stoppedBy];
}
