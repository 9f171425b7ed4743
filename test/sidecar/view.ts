/** A small server with the sidecar's interface, for what a test has to shape itself. */

import type { OperationInfo } from '../../src/ops/operation-info.js';
import type { ServerView } from '../../src/server/server-view.js';
import { type SidecarOptions, startSidecar } from '../../src/sidecar/sidecar.js';
import type { TestContext } from '../support/suite.js';

export interface SmallServer {
  readonly httpPort: number;
  /** Lines that the sidecar logged. */
  readonly log: string[];
}

export function operation(name: string, description = `Does ${name}.`): OperationInfo {
  return { name, description, streaming: false, idempotent: true, concurrency: 1 };
}

const nothing: ServerView = {
  state: () => 'ready',
  readiness: () => ({ ready: true }),
  operations: () => [],
  moduleFiles: () => [],
  reload: async () => [],
  authMode: 'off',
  authenticate: async () => ({ identity: undefined }),
  reloadTokens: () => {},
  call: async () => Buffer.from('{"id":"1","ok":true,"result":null}'),
  refresh: async () => {},
  snapshot: () =>
    ({
      frames: [],
      bytesReceived: 0,
      bytesSent: 0,
      connectionsOpen: 0,
      connectionsAccepted: 0,
      connectionsTurningAway: 0,
      connectionsEnded: {},
      bytesHeld: 0,
      bytesHeldMax: 0,
      connectionsByThread: [0],
      bytesKept: 0,
      access: { identities: 0, authentications: { ok: 0, wrong: 0, cut: 0 }, refused: [] },
      bulk: { open: 0, waiting: 0, bytes: 0, ended: {} },
      latency: [],
      pool: { queues: [], workers: {}, threads: { started: 0, lost: 0, stopped: 0 }, rerun: 0, crews: {} },
    }) as never,
};

/** Starts a sidecar on the loopback before a server of which `view` says what matters. */
export async function startSmallServer(
  t: Pick<TestContext, 'after'>,
  view: Partial<ServerView> = {},
  options: Partial<SidecarOptions> = {},
): Promise<SmallServer> {
  const log: string[] = [];
  const whole: ServerView = { ...nothing, ...view };
  const sidecar = await startSidecar(whole, {
    host: '127.0.0.1',
    port: 0,
    maxFrameBytes: 1024 * 1024,
    frameTimeoutMs: 30_000,
    connectionsMax: 100,
    version: '1.2.3',
    reload: () => whole.reload(),
    log: { error: (fields, message) => void log.push(`${message}: ${JSON.stringify(fields)}`) },
    ...options,
  });
  t.after(() => sidecar.close());
  return { httpPort: sidecar.port, log };
}
