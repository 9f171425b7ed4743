/**
 * A network that can be cut without a word: a namespace of Linux, joined to this machine by a pair of virtual interfaces. Cut, it
 * hands on no byte, no end and no refusal, in either direction.
 *
 * The namespace belongs to a process that ends with its standard input, so nothing is left of it however the test ends.
 */
import { execFile, spawn } from 'node:child_process';
import { readlinkSync } from 'node:fs';
import { promisify } from 'node:util';
import { mainPath, type startServer, startServerBy } from './server.js';
import { missingProgram, type TestContext } from './suite.js';
import { until } from './until.js';

export interface CutNetwork {
  /** Of the far side. */
  readonly host: string;
  /** Starts a server on the far side. */
  readonly startServer: typeof startServer;
  cut(): Promise<void>;
  mend(): Promise<void>;
}

const run = promisify(execFile);
const programs = ['ip', 'unshare', 'nsenter'];
const farInterface = 'far';

/** What a test with such a network needs: Linux's tools, and the right to use them. */
export async function networkNeed(): Promise<string | undefined> {
  for (const program of programs) {
    const missing = await missingProgram(program);
    if (missing !== undefined) return missing;
  }
  try {
    await run('unshare', ['--net', 'ip', 'link', 'add', 'near', 'type', 'veth', 'peer', 'name', farInterface]);
    return undefined;
  } catch (error) {
    return `no network can be made here, which takes root: ${(error as Error).message.trim().split('\n').at(-1)}`;
  }
}

export async function openCutNetwork(t: Pick<TestContext, 'after'>): Promise<CutNetwork> {
  const holder = spawn('unshare', ['--net', 'cat'], { stdio: ['pipe', 'ignore', 'inherit'] });
  const gone = new Promise((resolve) => holder.once('close', resolve));
  t.after(async () => {
    holder.stdin.end();
    await gone;
  });
  const namespace = `/proc/${holder.pid}/ns/net`;
  const own = readlinkSync('/proc/self/ns/net');
  await until('the namespace is there', () => readlinkSync(namespace) !== own);
  const { near: nearAddress, far: farAddress } = addresses();
  const near = `trama-${process.pid}`;
  const inside = (...args: readonly string[]) => run('nsenter', [`--net=${namespace}`, 'ip', ...args]);
  await run('ip', ['link', 'add', near, 'type', 'veth', 'peer', 'name', farInterface, 'netns', String(holder.pid)]);
  await run('ip', ['address', 'add', `${nearAddress}/30`, 'dev', near]);
  await run('ip', ['link', 'set', near, 'up']);
  await inside('link', 'set', 'lo', 'up');
  await inside('address', 'add', `${farAddress}/30`, 'dev', farInterface);
  await inside('link', 'set', farInterface, 'up');
  return {
    host: farAddress,
    startServer: (context, args = [], env = {}) => {
      const doors = ['--host', '0.0.0.0', '--port', '0', '--http-host', '0.0.0.0', '--http-port', '0'];
      const command = [process.execPath, mainPath, 'serve', ...doors, ...args];
      return startServerBy(context, 'nsenter', [`--net=${namespace}`, ...command], env);
    },
    cut: async () => void (await inside('link', 'set', farInterface, 'down')),
    mend: async () => void (await inside('link', 'set', farInterface, 'up')),
  };
}

/** Of 198.18.0.0/15, which RFC 2544 keeps for tests; each process has a /30 of its own. */
function addresses(): { near: string; far: string } {
  const first = (process.pid % 0x8000) * 4;
  const address = (offset: number) => {
    const at = first + offset;
    return `198.${18 + (at >> 16)}.${(at >> 8) & 0xff}.${at & 0xff}`;
  };
  return { near: address(1), far: address(2) };
}
