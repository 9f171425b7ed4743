/**
 * What it takes to check and to package trama, and to compile its engine: the packages of `tools/`, some 270 MB. They are
 * installed where they are first needed, as `tools/package-lock.json` has them, and stay until that file changes. Who
 * only runs trama does without them.
 *
 * Invariant: `tools/node_modules` is missing or whole. An install goes into a folder of its own, which takes its place.
 */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { putInPlace, removeLeftovers } from './put-in-place.mjs';

const defaultFolder = fileURLToPath(new URL('../tools/', import.meta.url));

/** Says which lock file, on which kind of machine, an install was made from. */
const markName = '.installed';

/** Settings of the `npm` that runs us, and that mean its own folder: ours is another one. */
const settingsOfCaller = /^npm_config_(global|location|prefix|local_prefix|omit|include|dry_run|package_lock_only)$/i;

/** @returns {boolean} whether the tools are there, as the lock file has them */
export function areToolsInstalled(folder = defaultFolder) {
  try {
    return readFileSync(join(folder, 'node_modules', markName), 'utf8') === markOf(folder);
  } catch (error) {
    if (error.code === 'ENOENT') return false;
    throw error;
  }
}

/**
 * Installs them where they are not there.
 * @throws {Error} where they cannot be installed; what was there is there still
 */
export function installTools(folder = defaultFolder) {
  removeLeftovers(folder, '.install');
  if (areToolsInstalled(folder)) return;
  process.stderr.write(
    'tools: installing compilers, linter and the like into tools/ (some 270 MB, for those who build and test)\n',
  );
  // A dot in front keeps it out of what is searched for tests and packages.
  const fresh = mkdtempSync(join(folder, `.install-${process.pid}-`));
  try {
    for (const name of ['package.json', 'package-lock.json']) cpSync(join(folder, name), join(fresh, name));
    runNpm(['ci', '--no-audit', '--no-fund', '--loglevel=error'], fresh);
    writeFileSync(join(fresh, 'node_modules', markName), markOf(folder));
    putInPlace(join(fresh, 'node_modules'), join(folder, 'node_modules'));
  } finally {
    rmSync(fresh, { recursive: true, force: true });
  }
}

/** @returns {string} the path of a file of a tool: `typescript/bin/tsc` */
export function toolFile(path, folder = defaultFolder) {
  return join(folder, 'node_modules', path);
}

function markOf(folder) {
  const lock = createHash('sha256')
    .update(readFileSync(join(folder, 'package-lock.json')))
    .digest('hex');
  return `${lock} ${process.platform} ${process.arch}\n`;
}

/** The npm that runs us, where one does; else the one of the PATH. */
function runNpm(args, cwd) {
  const own = process.env.npm_execpath ?? '';
  const [program, first] = basename(own) === 'npm-cli.js' ? [process.execPath, [own]] : ['npm', []];
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !settingsOfCaller.test(name)));
  const { status, signal, error } = spawnSync(program, [...first, ...args], { cwd, env, stdio: ['ignore', 2, 2] });
  if (status === 0) return;
  throw new Error(
    `npm ${args[0]} ended with ${error?.message ?? signal ?? `status ${status}`}; the tools come from npm's registry`,
  );
}
