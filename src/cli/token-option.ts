/**
 * The token of a command that calls a server: from a file or from the environment. There is no flag for the token itself,
 * since every user of the machine may read the command lines of its processes.
 */

import { closeSync, openSync, readSync } from 'node:fs';
import { Option } from 'commander';
import { ConfigError } from '../errors.js';

export interface TokenFlags {
  readonly tokenFile?: string;
}

export const tokenVariable = 'TRAMA_TOKEN';

/** Longer than any token. */
const tokenBytesMax = 4096;

export function tokenOption(): Option {
  return new Option(
    '--token-file <file>',
    `file with the token that says who calls; without it ${tokenVariable} counts`,
  );
}

/** @returns the token; `undefined` where none is given. @throws ConfigError where the file has none */
export function tokenOf({ tokenFile }: TokenFlags): string | undefined {
  if (tokenFile === undefined) return process.env[tokenVariable] || undefined;
  const token = readToken(tokenFile);
  // Not shown: it may be a secret of another kind.
  if (/^[\x21-\x7e]+$/.test(token)) return token;
  throw new ConfigError(`--token-file: ${JSON.stringify(tokenFile)} has no token; it must have one in one line`);
}

function readToken(path: string): string {
  const bytes = Buffer.alloc(tokenBytesMax);
  try {
    const file = openSync(path, 'r');
    try {
      return bytes.toString('utf8', 0, readSync(file, bytes)).trim();
    } finally {
      closeSync(file);
    }
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException;
    throw new ConfigError(`--token-file: ${JSON.stringify(path)} cannot be read (${code ?? message})`, { cause });
  }
}
