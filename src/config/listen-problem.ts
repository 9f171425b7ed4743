/** Names the option to change when an address cannot be listened on. */

import { ConfigError } from '../errors.js';
import type { Config } from './config.js';
import { options, variableOf } from './options.js';

const reasons: Readonly<Record<string, string>> = {
  EADDRINUSE: 'is in use by another process',
  EACCES: 'may not be listened on by this user',
  EADDRNOTAVAIL: 'is not an address of this machine',
  ENOTFOUND: 'is not a known host name',
  EAI_AGAIN: 'is not a host name that could be looked up',
  EAFNOSUPPORT: 'is of an address family that this machine does not have',
};

/** What is wrong with the port by itself is told under the port's option, the rest under the host's. */
const portProblems = new Set(['EADDRINUSE', 'EACCES']);

/**
 * Turns what `listen` failed with into one sentence for the operator; an error that is not about the address
 * is handed back as it came.
 */
export function listenProblem(error: unknown, side: 'tcp' | 'http', config: Config): unknown {
  const code = (error as NodeJS.ErrnoException | undefined)?.code ?? '';
  const reason = reasons[code];
  if (reason === undefined) return error;
  const [host, port] = side === 'tcp' ? [config.host, config.port] : [config.httpHost, config.httpPort];
  const portOption = side === 'tcp' ? options.port : options.httpPort;
  const hostOption = side === 'tcp' ? options.host : options.httpHost;
  const option = portProblems.has(code) ? portOption : hostOption;
  const subject = portProblems.has(code) ? `port ${port} on ${host}` : JSON.stringify(host);
  return new ConfigError(
    `--${option.flag}: ${subject} ${reason}; choose another with --${option.flag} or ${variableOf(option)}`,
    { cause: error },
  );
}
