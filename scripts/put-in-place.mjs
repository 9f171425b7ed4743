/** Exchanges a folder for another at once: whoever reads from it misses it only between two renames. */
import { readdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';

/** So many times in a row another process may put its own folder there between our two renames. */
const attemptsMax = 100;

/**
 * @param {string} fresh the folder to put there; it is moved
 * @param {string} place where it goes, on the same file system; a folder that is there is removed afterwards
 * @throws {Error} where it cannot be moved; what was there is there again
 */
export function putInPlace(fresh, place) {
  const old = `${fresh}-old`;
  for (let attempt = 1; ; attempt++) {
    const hasMoved = moveAway(place, old);
    try {
      renameSync(fresh, place);
      break;
    } catch (error) {
      const isTaken = error.code === 'ENOTEMPTY' || error.code === 'EEXIST';
      if (isTaken && attempt < attemptsMax) continue;
      if (hasMoved && !isTaken) renameSync(old, place);
      throw error;
    }
  }
  rmSync(old, { recursive: true, force: true });
}

/**
 * Removes what killed processes have left: folders `PREFIX-PID-RANDOM` of processes that are gone.
 * @param {string} folder where they are
 * @param {string} prefix what their names begin with, such as `.dist`
 */
export function removeLeftovers(folder, prefix) {
  for (const name of readdirSync(folder)) {
    if (!name.startsWith(`${prefix}-`)) continue;
    const pid = Number(/^(\d+)-/.exec(name.slice(prefix.length + 1))?.[1]);
    if (pid > 0 && !isAlive(pid)) rmSync(join(folder, name), { recursive: true, force: true });
  }
}

function isAlive(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === 'EPERM';
  }
}

/** @returns {boolean} whether something was there */
function moveAway(place, old) {
  rmSync(old, { recursive: true, force: true });
  try {
    renameSync(place, old);
    return true;
  } catch (error) {
    if (error.code === 'ENOENT') return false;
    throw error;
  }
}
