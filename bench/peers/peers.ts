/** Who is measured beside whom. The first is the one that the others are held against. */
import type { Wire } from '../load/work.js';
import { plainServerMain, serverMain, threadPoolServer } from '../paths.js';
import { freePort } from './free-port.js';
import type { PeerCommand } from './running-peer.js';

export interface PeerKind {
  readonly name: string;
  /** What it is, for the results. */
  readonly what: string;
  readonly wire: Wire;
  readonly ops: readonly string[];
  /** What starts it. @param folder for files of its own. @throws Error that says what is missing */
  readonly command: (folder: string) => Promise<PeerCommand>;
}

export const trama: PeerKind = {
  name: 'trama',
  what: 'trama serve, default settings',
  wire: 'frames',
  ops: ['echo', 'sum'],
  command: async () => ({
    program: process.execPath,
    args: [serverMain, 'serve', '--port', '0', '--http-port', '0'],
    port: portOfLogLine,
  }),
};

export const plainNode: PeerKind = {
  name: 'plain Node',
  what: 'Node, JSON.parse, no WebAssembly (bench/peers/plain-json-server.ts)',
  wire: 'frames',
  ops: ['echo', 'sum'],
  command: async () => ({ program: process.execPath, args: [plainServerMain], port: portOfPlainLine }),
};

const pythonThreads: PeerKind = {
  name: 'Python threads',
  what: 'Python, standard library, a thread pool (bench/peers/thread_pool_server.py)',
  wire: 'frames',
  ops: ['echo', 'sum'],
  command: async () => ({ program: 'python3', args: [threadPoolServer], port: portOfPlainLine }),
};

const redis: PeerKind = {
  name: 'Redis',
  what: 'redis-server, ECHO, no persistence',
  wire: 'resp',
  ops: ['echo'],
  command: async (folder) => {
    const port = await freePort();
    const options = ['--port', `${port}`, '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no', '--dir', folder];
    return { program: 'redis-server', args: options, port };
  },
};

/** @param compile compiles one C source of the trials into a folder and gives the program's path */
function limitInC(compile: (name: string, folder: string) => Promise<string>): PeerKind {
  return {
    name: 'C, epoll',
    what: 'what loopback and the kernel allow: frames cut and echoed unchecked (limit.c)',
    wire: 'frames',
    ops: ['echo'],
    command: async (folder) => {
      const port = await freePort();
      return { program: await compile('limit', folder), args: [`${port}`], port };
    },
  };
}

export function peerKinds(compile: (name: string, folder: string) => Promise<string>): readonly PeerKind[] {
  return [trama, plainNode, pythonThreads, redis, limitInC(compile)];
}

/** The server's log is one JSON object a line. */
function portOfLogLine(line: string): number | undefined {
  if (!line.includes('"listening"')) return undefined;
  return (JSON.parse(line) as { port: number }).port;
}

function portOfPlainLine(line: string): number | undefined {
  return line.startsWith('listening ') ? Number(line.slice('listening '.length)) : undefined;
}
