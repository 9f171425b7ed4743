/**
 * Runs the server as this process: log, listeners, signals, exit status.
 *
 * Order of the start: the TCP side first, so that the first reply does not wait for HTTP's libraries to load; then
 * the sidecar; then the one line `listening`. Order of the end: readiness is taken away, what is in flight is
 * answered, the sidecar closes last so that its probes and metrics can watch the drain.
 *
 * Exit status: 0 all was answered, 1 something was cut or a second signal came, 2 the start was refused, 70 a defect
 * (`EX_SOFTWARE` of sysexits.h), with its stack in the log.
 */

import type { Logger } from 'pino';
import type { Config } from '../config/config.js';
import { listenProblem } from '../config/listen-problem.js';
import { ConfigError, TramaError } from '../errors.js';
import { type RunningServer, startServer } from '../server/server.js';
import type { Sidecar } from '../sidecar/sidecar.js';
import { openLog, written } from './open-log.js';
import { refuseStart } from './refuse-start.js';

const cutExitStatus = 1;
const defectExitStatus = 70;
/** How long an exit that should be at once waits for threads. */
const stuckThreadMs = 500;
/** How often the process that started this one is looked at. */
const parentLookMs = 250;

/** Starts, serves, and ends the process. The promise settles only by way of an unexpected error. */
export async function runServer(config: Config): Promise<void> {
  const log = openLog(config);
  const end = (error: unknown) => void endForError(log, error);
  process.on('uncaughtException', end);
  const stopAsked = firstSignal();
  endWithNpm();
  try {
    const started = await Promise.race([start(config, log), stopAsked.then(() => undefined)]);
    if (started === undefined) {
      log.info({ signal: await stopAsked }, 'stopped before it listened');
      return await exit(log, 0);
    }
    watchPool(started.server, log, end);
    await drainAndExit(config, started, log, await stopAsked);
  } catch (error) {
    end(error);
  }
}

interface Started {
  readonly server: RunningServer;
  readonly sidecar: Sidecar;
}

async function start(config: Config, log: Logger): Promise<Started> {
  const server = await startTcp(config, log);
  const sidecar = await startHttp(config, server, log);
  const { host, httpHost, workers } = config;
  log.info({ host, port: server.port, httpHost, httpPort: sidecar.port, workers }, 'listening');
  return { server, sidecar };
}

async function startTcp(config: Config, log: Logger): Promise<RunningServer> {
  try {
    return await startServer(config, log);
  } catch (error) {
    throw listenProblem(error, 'tcp', config);
  }
}

async function startHttp(config: Config, server: RunningServer, log: Logger): Promise<Sidecar> {
  const { startSidecar } = await import('../sidecar/sidecar.js');
  const { httpHost: host, httpPort: port, maxFrameBytes, maxHeldBytes, frameTimeoutMs } = config;
  try {
    return await startSidecar(server.view, { host, port, maxFrameBytes, maxHeldBytes, frameTimeoutMs, log });
  } catch (error) {
    throw listenProblem(error, 'http', config);
  }
}

function watchPool(server: RunningServer, log: Logger, end: (error: unknown) => void): void {
  const drains = () => server.view.state() === 'draining';
  server.ready.then(
    () => drains() || log.info('ready'),
    (error) => {
      // A drain closes the pool, whether it was warm by then or not.
      if (drains()) return;
      // What a worker says of the modules that it was to load is for the operator, like any other wrong option.
      if (error instanceof TramaError) refuseStart(error);
      end(error);
    },
  );
}

/** Resolves at the first signal to stop. */
function firstSignal(): Promise<NodeJS.Signals> {
  return new Promise((resolve) => process.once('SIGTERM', resolve).once('SIGINT', resolve));
}

/** npm and npx do not hand SIGTERM on: where they started the process, their end is a signal to stop. */
function endWithNpm(): void {
  if (process.env.npm_lifecycle_event === undefined) return;
  const parent = process.ppid;
  const watch = setInterval(() => {
    if (process.ppid === parent) return;
    clearInterval(watch);
    process.kill(process.pid, 'SIGTERM');
  }, parentLookMs).unref();
}

/** A second signal ends the process on the spot. */
function exitAtNextSignal(server: RunningServer, log: Logger): void {
  const onSignal = async (signal: NodeJS.Signals) => {
    log.warn({ signal }, 'a second signal: exiting at once');
    setTimeout(() => void killProcess(log), stuckThreadMs);
    if (await server.close()) await exit(log, cutExitStatus);
  };
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.removeAllListeners(signal).once(signal, onSignal);
}

/** `process.exit` waits for all threads. Where a system call holds one, only the kernel can end the process. */
async function killProcess(log: Logger): Promise<void> {
  log.error('a thread cannot be ended: killing the process');
  await written(log);
  process.kill(process.pid, 'SIGKILL');
}

/** Ends the process once its log is written. What it says last stays the last line, whatever goes on until then. */
async function exit(log: Logger, status: number): Promise<never> {
  log.level = 'silent';
  await written(log);
  process.exit(status);
}

async function drainAndExit(
  config: Config,
  { server, sidecar }: Started,
  log: Logger,
  signal: NodeJS.Signals,
): Promise<void> {
  const { drainMs } = config;
  log.info({ signal, drainMs }, 'draining');
  exitAtNextSignal(server, log);
  const [http, tcp] = await Promise.all([sidecar.drain(drainMs), server.drain(drainMs)]);
  const [threadsEnded] = await Promise.all([server.close(), sidecar.close()]);
  const cut = tcp.cut + http.cut;
  if (cut === 0) log.info('stopped');
  else log.warn({ cut }, 'stopped, with work cut off: --drain-ms was over');
  if (threadsEnded) await exit(log, cut === 0 ? 0 : cutExitStatus);
  await killProcess(log);
}

async function endForError(log: Logger, error: unknown): Promise<never> {
  if (error instanceof ConfigError) refuseStart(error);
  log.fatal({ err: error }, 'a defect: the server ends');
  return exit(log, defectExitStatus);
}
