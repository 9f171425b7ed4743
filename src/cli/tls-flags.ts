/** The options of commands that speak TLS with a server. */

import { readFileSync } from 'node:fs';
import type { Command } from 'commander';

export interface TlsFlags {
  readonly tls?: true;
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
  readonly serverName?: string;
}

interface TlsFiles {
  readonly ca?: Buffer;
  readonly cert?: Buffer;
  readonly key?: Buffer;
  readonly serverName?: string;
}

export function addTlsOptions(command: Command): Command {
  return command
    .option('--tls', "speak TLS, and check the server's certificate")
    .option(
      '--ca <file>',
      'PEM file of the authorities to check it against (default: those that Node knows); implies --tls',
    )
    .option('--cert <file>', 'PEM file of a certificate to show to the server; implies --tls')
    .option('--key <file>', 'PEM file of its private key')
    .option(
      '--server-name <name>',
      "name that the server's certificate must be for (default: the host); implies --tls",
    );
}

/** @returns undefined where TLS is not asked for @throws Error of one sentence for a file that cannot be read */
export function readTlsFlags({ tls, ca, cert, key, serverName }: TlsFlags): TlsFiles | undefined {
  if ([tls, ca, cert, key, serverName].every((value) => value === undefined)) return undefined;
  if ((cert === undefined) !== (key === undefined))
    throw new Error('--cert and --key go together; give both or neither.');
  return {
    ...(ca === undefined ? {} : { ca: readPem('--ca', ca) }),
    ...(cert === undefined ? {} : { cert: readPem('--cert', cert) }),
    ...(key === undefined ? {} : { key: readPem('--key', key) }),
    ...(serverName === undefined ? {} : { serverName }),
  };
}

function readPem(flag: string, path: string): Buffer {
  try {
    return readFileSync(path);
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException;
    throw new Error(
      `${flag}: ${JSON.stringify(path)} cannot be read (${code ?? message}); give the path of a PEM file.`,
      {
        cause,
      },
    );
  }
}
