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
  writeSync,
} from 'node:fs';
import { dirname } from 'node:path';
import {
  formatTokenFile,
  type IdentityEntry,
  parseTokenFile,
  TokenFileError,
  tokenFileBytesMax,
} from './token-file.js';

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

/** Puts a new file in the place of the old one. @throws the error of the file system */
export function writeTokenFile(path: string, entries: readonly IdentityEntry[]): void {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  const temporary = `${path}.${process.pid}.new`;
  try {
    const file = openSync(temporary, 'wx', 0o600);
    try {
      writeSync(file, formatTokenFile(entries));
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
    renameSync(temporary, path);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw error;
  }
  syncFolder(dirname(path));
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
