/** Who is measured beside whom. The first is the one that the others are held against. */

import { compileC } from '../compile-c.js';
import type { Wire } from '../load/work.js';
import { echoLimitSource, plainServerMain, threadPoolServer } from '../paths.js';
import { gccVersion, ownVersion, versionOf } from '../versions.js';
import { freePort } from './free-port.js';
import type { PeerCommand } from './running-peer.js';

export interface PeerKind {
  readonly name: string;
  /** What it is, for the results. */
  readonly what: string;
  readonly wire: Wire;
  readonly ops: readonly string[];
  /** Of the program, its interpreter or its compiler; undefined where it does not tell. */
  readonly version: () => Promise<string | undefined>;
  /** What starts it. @param folder for files of its own. @throws Error that says what is missing */
  readonly command: (folder: string) => Promise<PeerCommand>;
}

export const tramaName = 'trama';

/** @param main the entry of its command line, of this build or another one */
export function trama(main: string): PeerKind {
  return {
    name: tramaName,
    what: 'trama serve, default settings',
    wire: 'frames',
    ops: ['echo', 'sum'],
    version: async () => ownVersion(),
    command: async () => ({
      program: process.execPath,
      args: [main, 'serve', '--port', '0', '--http-port', '0'],
      port: portOfLogLine,
    }),
  };
}

export const plainNode: PeerKind = {
  name: 'plain Node',
  what: 'Node, JSON.parse and JSON.stringify, no WebAssembly (bench/peers/plain-json-server.ts)',
  wire: 'frames',
  ops: ['echo', 'sum'],
  version: async () => process.version,
  command: async () => ({ program: process.execPath, args: [plainServerMain], port: portOfPlainLine }),
};

const pythonThreads: PeerKind = {
  name: 'Python threads',
  what: 'Python, standard library, a thread pool (bench/peers/thread_pool_server.py)',
  wire: 'frames',
  ops: ['echo', 'sum'],
  version: () => versionOf('python3', '--version'),
  command: async () => ({ program: 'python3', args: [threadPoolServer], port: portOfPlainLine }),
};

const redis: PeerKind = {
  name: 'Redis',
  what: 'redis-server, ECHO, no persistence',
  wire: 'resp',
  ops: ['echo'],
  version: () => versionOf('redis-server', '--version'),
  command: async (folder) => {
    const port = await freePort();
    const options = ['--port', `${port}`, '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no', '--dir', folder];
    return { program: 'redis-server', args: options, port };
  },
};

const limitInC: PeerKind = {
  name: 'C, epoll',
  what: 'what loopback and the kernel allow: frames cut and echoed unchecked (bench/peers/echo_limit.c)',
  wire: 'frames',
  ops: ['echo'],
  version: async () => `gcc ${(await gccVersion()) ?? 'of a version that it does not tell'}`,
  command: async (folder) => ({ program: await compileC(echoLimitSource, folder), args: [], port: portOfPlainLine }),
};

/** @param serverMain the entry of trama's command line */
export function peerKinds(serverMain: string): readonly PeerKind[] {
  return [trama(serverMain), plainNode, pythonThreads, redis, limitInC];
}

/** The server's log is one JSON object a line. */
export function portOfLogLine(line: string): number | undefined {
  return portsOfLogLine(line)?.port;
}

export function tlsPortOfLogLine(line: string): number | undefined {
  return portsOfLogLine(line)?.tlsPort;
}

function portsOfLogLine(line: string): { port?: number; tlsPort?: number } | undefined {
  return line.includes('"listening"') ? JSON.parse(line) : undefined;
}

export function portOfPlainLine(line: string): number | undefined {
  return line.startsWith('listening ') ? Number(line.slice('listening '.length)) : undefined;
}
