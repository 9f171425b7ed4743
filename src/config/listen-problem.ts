/** Names the option to change when an address cannot be listened on. */

import { ConfigError } from '../errors.js';
import type { Config } from './config.js';
import { variableOf } from './option-kinds.js';
import { options } from './options.js';

const reasons: Readonly<Record<string, string>> = {
  EADDRINUSE: 'is in use by another process',
  EACCES: 'may not be listened on by this user',
  EADDRNOTAVAIL: 'is not an address of this machine',
  ENOTFOUND: 'is not a known host name',
  EAI_AGAIN: 'is not a host name that could be looked up',
  EAFNOSUPPORT: 'is of an address family that this machine does not have',
};

/** This process, or the whole machine, has none left. */
const descriptorProblems = new Set(['EMFILE', 'ENFILE']);

/** Could the same attempt succeed a moment later? */
export function isPassingProblem(error: unknown): boolean {
  return descriptorProblems.has((error as NodeJS.ErrnoException | undefined)?.code ?? '');
}

/** What is wrong with the port by itself is told under the port's option, the rest under the host's. */
const portProblems = new Set(['EADDRINUSE', 'EACCES']);

/**
 * Turns what `listen` failed with into one sentence for the operator; an error that is not about the address
 * is handed back as it came.
 */
export function listenProblem(error: unknown, side: 'tcp' | 'http', config: Config): unknown {
  const code = (error as NodeJS.ErrnoException | undefined)?.code ?? '';
  const host = side === 'tcp' ? config.host : config.httpHost;
  const key = portKeyOf(error, side, config);
  const port = config[key];
  if (isPassingProblem(error)) {
    const reason = `no file descriptor is left for port ${port} on ${host}`;
    return new ConfigError(`${reason}; raise the limit of open files (ulimit -n)`, { cause: error });
  }
  const reason = reasons[code];
  if (reason === undefined) return error;
  const hostOption = side === 'tcp' ? options.host : options.httpHost;
  const option = portProblems.has(code) ? options[key] : hostOption;
  const subject = portProblems.has(code) ? `port ${port} on ${host}` : JSON.stringify(host);
  return new ConfigError(
    `--${option.flag}: ${subject} ${reason}; choose another with --${option.flag} or ${variableOf(option)}`,
    { cause: error },
  );
}

/** Each side may have a plain port and one with TLS. The system's error names the port, where the port matters. */
function portKeyOf(
  error: unknown,
  side: 'tcp' | 'http',
  config: Config,
): 'port' | 'tlsPort' | 'httpPort' | 'httpsPort' {
  const [plain, secure] = side === 'tcp' ? (['port', 'tlsPort'] as const) : (['httpPort', 'httpsPort'] as const);
  const { port } = Object(error) as { port?: unknown };
  return config[plain] === 'off' || (config[secure] !== 'off' && config[secure] === port) ? secure : plain;
}
