/** The server inside the test's process, where its figures can be looked at. */
import { pino } from 'pino';
import { type RunningServer, type ServerConfig, startServer } from '../../src/server/server.js';
import type { TestContext } from '../support/suite.js';
import { until } from '../support/until.js';

export const fixtures = new URL('../pool/fixtures/operations.js', import.meta.url).href;

const defaults: ServerConfig = {
  port: 0,
  host: '127.0.0.1',
  workers: 1,
  operationModules: [],
  maxFrameBytes: 16 * 1024 * 1024,
  maxConnections: 100,
  maxRequests: 100,
  unreadPauseBytes: 1024 * 1024,
  unreadCloseBytes: 64 * 1024 * 1024,
  maxHeldBytes: 256 * 1024 * 1024,
  maxQueue: 100,
  frameTimeoutMs: 30_000,
  workerMemoryMb: 64,
};

/** Starts a server that is closed with the test. */
export async function openServer(t: TestContext, config: Partial<ServerConfig> = {}): Promise<RunningServer> {
  const server = await startServer({ ...defaults, ...config }, pino({ level: 'silent' }));
  t.after(() => server.close());
  return server;
}

/** Waits until nothing is held for anybody: no bytes, no tasks. */
export async function untilIdle({ view }: RunningServer): Promise<void> {
  await until('the server holds nothing', () => {
    const { bytesHeld, bulk, pool } = view.snapshot();
    return (
      bytesHeld === 0 &&
      bulk.open + bulk.waiting === 0 &&
      pool.queues.every(({ waiting, running }) => waiting + running === 0)
    );
  });
}

/** Waits until an operation runs. */
export async function untilRunning({ view }: RunningServer, op: string): Promise<void> {
  await until(`${op} runs`, () => view.snapshot().pool.queues.some((queue) => queue.op === op && queue.running > 0));
}

/** JSON text of an array of `bytes` bytes or a little more. */
export function numbers(bytes: number): string {
  return `[${'1,'.repeat(bytes / 2)}1]`;
}
