/**
 * The file of tokens on the disk. Invariant: whoever reads it finds the old file or the new one, never a part of one; only
 * its owner may read it.
 */
import {
  closeSync,
  fstatSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { dirname } from 'node:path';
import {
  formatTokenFile,
  type IdentityEntry,
  parseTokenFile,
  TokenFileError,
  tokenFileBytesMax,
} from './token-file.js';

/** How long a change waits for another one, which takes milliseconds; and how often it looks. */
const changeMs = 3000;
const lookMs = 20;

/** @returns the entries; `undefined` where there is no such file. @throws TokenFileError that names the file */
export function readTokenFile(path: string): readonly IdentityEntry[] | undefined {
  try {
    return parseTokenFile(readBounded(path));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    const { code, message } = error as NodeJS.ErrnoException;
    const what = error instanceof TokenFileError ? message : `cannot be read (${code ?? message})`;
    throw new TokenFileError(`the file of tokens ${JSON.stringify(path)} ${what}`, { cause: error });
  }
}

/**
 * Puts what `change` makes of the entries in their place. The new file, which is written beside the old one, also keeps other
 * changes waiting: none of them is lost.
 * @throws TokenFileError that names the file; the error of the file system; what `change` throws. The old file stays then
 */
export async function changeTokenFile(
  path: string,
  change: (entries: readonly IdentityEntry[]) => readonly IdentityEntry[],
): Promise<void> {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  const coming = `${path}.new`;
  const file = await openAlone(coming);
  try {
    try {
      // Not `writeSync`: where the disk is full it may write a part, and say nothing.
      writeFileSync(file, formatTokenFile(change(readTokenFile(path) ?? [])));
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
    renameSync(coming, path);
  } catch (error) {
    rmSync(coming, { force: true });
    throw error;
  }
  syncFolder(dirname(path));
}

/** Makes a file that is not there; waits a while for the one that is. */
async function openAlone(path: string): Promise<number> {
  const giveUpAtMs = performance.now() + changeMs;
  while (true) {
    try {
      return openSync(path, 'wx', 0o600);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
      if (performance.now() >= giveUpAtMs) {
        const message = `another command changes the file of tokens; if none does, remove what it has left: ${JSON.stringify(path)}`;
        throw new TokenFileError(message);
      }
    }
    await new Promise((resolve) => setTimeout(resolve, lookMs));
  }
}

/** What changes when the file does; a file that is not there has one too. */
export function fingerprint(path: string): string {
  try {
    const { ino, size, mtimeMs, ctimeMs } = statSync(path);
    return `${ino} ${size} ${mtimeMs} ${ctimeMs}`;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code ?? 'unreadable';
  }
}

function readBounded(path: string): string {
  const file = openSync(path, 'r');
  try {
    const stat = fstatSync(file);
    if (!stat.isFile()) throw new TokenFileError('is not a file');
    if (stat.size > tokenFileBytesMax) throw new TokenFileError(`is longer than ${tokenFileBytesMax} bytes`);
    return readFileSync(file, 'utf8');
  } finally {
    closeSync(file);
  }
}

/** The new name is on the disk only once its folder is; some systems have no such call. */
function syncFolder(path: string): void {
  try {
    const folder = openSync(path, 'r');
    try {
      fsyncSync(folder);
    } finally {
      closeSync(folder);
    }
  } catch {
    // The file itself is safe.
  }
}
