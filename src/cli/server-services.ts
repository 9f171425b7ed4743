/** The services that `trama serve` consists of. A further one is one more entry of the list. */

import type { Logger } from 'pino';
import type { Config } from '../config/config.js';
import { listenProblem } from '../config/listen-problem.js';
import { ConfigError } from '../errors.js';
import type { OperationInfo } from '../ops/operation-info.js';
import type { Ports } from '../server/io-stack.js';
import { type RunningServer, startServer } from '../server/server.js';
import type { ServerView } from '../server/server-view.js';
import { type Sidecar, startSidecar } from '../sidecar/sidecar.js';
import { Reloads } from './reloads.js';
import { retryWhilePassing } from './retry-while-passing.js';
import type { Service } from './service.js';
import { packageVersion } from './version.js';
import { watchModules } from './watch-modules.js';

/** What others of the process need of the services, once they have started. */
export interface ServerParts {
  /** Throws before the TCP side has started. */
  readonly view: () => ServerView;
  readonly reloads: Reloads;
  /** Reads the file of tokens anew, once the TCP side has started: it reads it at its start. */
  readonly reloadTokens: () => void;
  /** Reads the certificate of the TLS ports anew, and the operations, where there are any of the user's. */
  readonly reload: (by: string) => Promise<readonly OperationInfo[]>;
  /** The ports in fact, for the log. */
  readonly ports: () => Ports & { readonly httpPort?: number; readonly httpsPort?: number };
}

/**
 * The TCP side comes first, so that the first reply does not wait for HTTP's libraries. The sidecar is closed
 * before it, but drains with it, so that its probes and metrics can watch the drain.
 */
export function serverServices(config: Config, log: Logger): { services: readonly Service[]; parts: ServerParts } {
  let server: RunningServer | undefined;
  let sidecar: Sidecar | undefined;
  const running = () => {
    if (server === undefined) throw new ConfigError('the server has not started yet');
    return server;
  };
  const reloads = new Reloads(() => running().view, log);

  const reload = async (by: string) => {
    const { tls, view } = running();
    let failure: unknown;
    try {
      tls?.reload(by);
    } catch (error) {
      failure = error;
    }
    const hasModules = config.operationModules.length > 0;
    const operations = hasModules || tls === undefined ? await reloads.run(by) : view.operations();
    if (failure !== undefined) throw failure;
    return operations;
  };

  const tcp: Service = {
    name: 'tcp',
    async start() {
      try {
        server = await startServer(config, log);
      } catch (error) {
        throw listenProblem(error, 'tcp', config);
      }
    },
    get ready() {
      return running().ready;
    },
    drain: (drainMs) => running().drain(drainMs),
    close: async () => (await server?.close()) ?? true,
  };

  const http: Service = {
    name: 'http',
    async start() {
      const { httpHost: host, httpPort: port, httpsPort, httpMaxConnections: connectionsMax } = config;
      if (port === 'off' && httpsPort === 'off') return;
      const { maxFrameBytes, frameTimeoutMs } = config;
      const limits = { maxFrameBytes, frameTimeoutMs, connectionsMax };
      const { tls, httpSteps: steps } = running();
      const secure = httpsPort === 'off' || !tls ? undefined : { port: httpsPort, handshake: tls.handshakes.step };
      try {
        const options = {
          host,
          port,
          secure,
          steps,
          ...limits,
          log,
          reload: () => reload('http'),
          version: packageVersion(),
        };
        sidecar = await retryWhilePassing(() => startSidecar(running().view, options));
        if (secure !== undefined) tls?.usedBy('https');
      } catch (error) {
        throw listenProblem(error, 'http', config);
      }
    },
    // The TCP side begins to drain after the delay; until then calls over HTTP are taken too.
    drain: async (drainMs) => (await sidecar?.drain(config.drainDelayMs + drainMs)) ?? { cut: 0 },
    async close() {
      await sidecar?.close();
      return true;
    },
  };

  let stopWatching = () => {};
  const watch: Service = {
    name: 'watch',
    async start() {
      if (config.watch) stopWatching = watchModules(() => running().view.moduleFiles(), reloads, log);
    },
    async drain() {
      stopWatching();
      return { cut: 0 };
    },
    async close() {
      stopWatching();
      return true;
    },
  };

  const ports = () => ({
    ...running().ports,
    ...(sidecar?.port ? { httpPort: sidecar.port } : {}),
    ...(sidecar?.securePort ? { httpsPort: sidecar.securePort } : {}),
  });
  const reloadTokens = () => server?.view.reloadTokens();
  return { services: [tcp, http, watch], parts: { view: () => running().view, reloads, reload, reloadTokens, ports } };
}
