/**
 * Runs the server as this process: log, services, signals, exit status.
 *
 * Order of the start: the services, then the one line `listening`, which is the first of the log, then what is odd about
 * the configuration. On a terminal two lines for a person follow when all is warm. Order of the end: readiness is taken away, what is in
 * flight is answered, the services are closed.
 *
 * Signals: SIGTERM and SIGINT drain, a second one ends on the spot. SIGHUP reloads the operations, the certificate and the
 * tokens; a server without any of them goes on, so that a closed terminal does not cut its clients off.
 *
 * Exit status: 0 all was answered, 1 something was cut or a second signal came, 2 the start was refused, 70 a defect
 * (`EX_SOFTWARE` of sysexits.h), with its stack in the log.
 */

import type { Logger } from 'pino';
import type { Config } from '../config/config.js';
import { ConfigError, TramaError } from '../errors.js';
import { greet, type Places } from './greeting.js';
import { openLog, type ServerLog } from './open-log.js';
import { openWords } from './open-words.js';
import { complain, troubleExitStatus } from './output.js';
import { type ServerParts, serverServices } from './server-services.js';
import { Services } from './service.js';
import { type StopSignals, stopSignals } from './stop-signals.js';
import { notifySystemd } from './systemd.js';
import { packageVersion } from './version.js';

const cutExitStatus = 1;
const defectExitStatus = 70;
/** How long an exit that should be at once waits for threads. */
const stuckThreadMs = 500;
/** How often the process that started this one is looked at. */
const parentLookMs = 250;

/**
 * Starts, serves, and ends the process. The promise settles only by way of an unexpected error.
 * @param warning of the configuration, for the log
 */
export async function runServer(config: Config, warning?: string): Promise<void> {
  const serverLog = openLog(config.logLevel);
  const { log } = serverLog;
  let untold = warning;
  const end = (error: unknown) => void endForError(serverLog, error, untold);
  process.on('uncaughtException', end);
  const signals = stopSignals();
  endWithNpm();
  const { services: list, parts } = serverServices(config, log);
  reloadAtHangUp(config, parts, log);
  const services = new Services(list);
  try {
    const started = await Promise.race([services.start().then(() => true), signals.first.then(() => false)]);
    if (started) {
      const places = { version: packageVersion(), host: config.host, httpHost: config.httpHost, ...parts.ports() };
      log.info({ ...places, node: process.versions.node, workers: config.workers }, 'listening');
      if (warning !== undefined) log.warn(warning);
      const open = openWords(config);
      if (open !== undefined) log.warn(open);
      untold = undefined;
      watchReadiness(config, services, parts, places, log, end);
    }
    const signal = await signals.first;
    // Clients of one service may have come while the next one starts.
    if (services.isServing) return await drainAndExit(config, services, serverLog, signals);
    log.info({ signal }, 'stopped before it listened');
    await serverLog.exit(0);
  } catch (error) {
    end(error);
  }
}

function watchReadiness(
  config: Config,
  services: Services,
  parts: ServerParts,
  places: Places,
  log: Logger,
  end: (error: unknown) => void,
): void {
  const drains = () => ['leaving', 'draining'].includes(parts.view().state());
  services.ready.then(
    () => {
      if (drains()) return;
      log.info('ready');
      greet(places, openWords(config));
      void notifySystemd(['READY=1', `STATUS=serves port ${places.port}`], log);
    },
    (error) => {
      // A drain closes the pool, whether it was warm by then or not.
      if (drains()) return;
      // What a worker says of the modules that it was to load is for the operator, like any other wrong option.
      end(error instanceof TramaError ? new ConfigError(error.message, { cause: error }) : error);
    },
  );
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

function reloadAtHangUp(config: Config, { reload, reloadTokens }: ServerParts, log: Logger): void {
  process.on('SIGHUP', (signal) => {
    if (config.auth !== 'off') reloadTokens();
    if (config.operationModules.length === 0 && config.tlsCert === undefined) {
      if (config.auth !== 'off') return;
      log.info(
        { signal },
        'nothing to reload, since there is no --ops and no --tls-cert; options are read at the start only',
      );
      return;
    }
    // What went wrong is in the log.
    reload(signal).catch(() => {});
  });
}

/** A second signal ends the process on the spot. */
async function exitAtSecondSignal(
  { second }: StopSignals,
  services: Services,
  { log, exit, kill }: ServerLog,
): Promise<void> {
  const signal = await second;
  log.warn({ signal }, 'a second signal: exiting at once');
  const stuck = setTimeout(() => void killFor(log, kill), stuckThreadMs);
  if (!(await services.close())) return;
  clearTimeout(stuck);
  await exit(cutExitStatus);
}

/** `process.exit` waits for all threads. Where a system call holds one, only the kernel can end the process. */
function killFor(log: Logger, kill: ServerLog['kill']): Promise<never> {
  log.error('a thread cannot be ended: killing the process');
  return kill();
}

async function drainAndExit(
  { drainMs, drainDelayMs }: Config,
  services: Services,
  serverLog: ServerLog,
  signals: StopSignals,
): Promise<void> {
  const { log, exit, kill } = serverLog;
  const signal = await signals.first;
  log.info({ signal, drainDelayMs, drainMs }, 'draining');
  void notifySystemd(['STOPPING=1', 'STATUS=answers what it has taken'], log);
  void exitAtSecondSignal(signals, services, serverLog);
  const { cut } = await services.drain(drainMs);
  const threadsEnded = await services.close();
  if (cut === 0) log.info('stopped');
  else log.warn({ cut }, 'stopped, with work cut off: --drain-ms was over');
  if (threadsEnded) await exit(cut === 0 ? 0 : cutExitStatus);
  await killFor(log, kill);
}

/** What is the operator's to mend, such as a port in use or a module that does not load, is one line on stderr. */
async function endForError({ log, exit }: ServerLog, error: unknown, warning: string | undefined): Promise<never> {
  if (error instanceof ConfigError) {
    // A misspelt variable may well be the reason.
    if (warning !== undefined) complain(warning);
    complain(error.message);
    return exit(troubleExitStatus);
  }
  log.fatal({ err: error }, 'a defect: the server ends');
  return exit(defectExitStatus);
}
