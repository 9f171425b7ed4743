/**
 * Two lines for a person who started a server on a terminal: where it listens, what to try, how to stop it. The log, which
 * is for machines, goes on as it is.
 *
 * Invariant: a terminal that takes nothing (Ctrl-S) holds up nothing.
 */

import { address } from '../protocol/address.js';
import { howStarted } from './how-started.js';
import { LogOutput } from './log-output.js';

/** More than the lines have. */
const waitingBytesMax = 4096;

/** Ports are those in fact; one that is off is absent. */
export interface Places {
  readonly version: string;
  readonly host: string;
  readonly port?: number | undefined;
  readonly tlsPort?: number | undefined;
  readonly httpHost: string;
  readonly httpPort?: number | undefined;
  readonly httpsPort?: number | undefined;
}

/** Writes them to standard error, where that is a terminal. @param warning one more line */
export function greet(places: Places, warning?: string): void {
  if (process.stderr.isTTY !== true) return;
  // Who closes the terminal meanwhile misses nothing.
  new LogOutput(2, { waitingBytesMax, onError: () => {} }).write(greeting(places, howStarted(), warning));
}

/**
 * @param command how this program is started, for a command line to copy
 * @param warning a sentence without its full stop
 */
export function greeting(places: Places, command: string, warning?: string): string {
  const { version, host, port, tlsPort } = places;
  const where: string[] = [];
  if (port !== undefined) where.push(`${address(host, port)} (TCP frames)`);
  if (tlsPort !== undefined) where.push(`${address(host, tlsPort)} (TCP frames over TLS)`);
  const urls = httpUrls(places);
  for (const [index, url] of urls.entries()) where.push(index === 0 ? `${url} (HTTP; see ${url}/docs)` : url);
  const tls = port === undefined ? ' --tls' : '';
  return (
    `trama ${version} listens on ${listed(where)}\n` +
    `Try it from another terminal: ${command} call${tls} ${reachable(host)} ${port ?? tlsPort} sum '[1,2,3]'. Ctrl-C stops the server.\n` +
    (warning === undefined ? '' : `Beware: ${warning}.\n`)
  );
}

function httpUrls({ httpHost, httpPort, httpsPort }: Places): string[] {
  const urls: string[] = [];
  if (httpPort !== undefined) urls.push(`http://${address(reachable(httpHost), httpPort)}`);
  if (httpsPort !== undefined) urls.push(`https://${address(reachable(httpHost), httpsPort)}`);
  return urls;
}

function listed(places: readonly string[]): string {
  return places.length < 2 ? places.join('') : `${places.slice(0, -1).join(', ')} and ${places.at(-1)}`;
}

/** Who listens everywhere is reached on this machine. */
function reachable(host: string): string {
  return { '0.0.0.0': '127.0.0.1', '::': '::1' }[host] ?? host;
}
