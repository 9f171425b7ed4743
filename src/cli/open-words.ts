/** A word of warning where anybody on the network may have work done. */

import type { Config } from '../config/config.js';
import { isLoopback } from '../sidecar/browser-guard.js';

type Doors = Pick<
  Config,
  'auth' | 'host' | 'port' | 'tlsPort' | 'httpHost' | 'httpPort' | 'httpsPort' | 'tlsClientCa' | 'tlsClient'
>;

/**
 * One sentence; `undefined` where clients have to say who they are, by a token or a certificate, or where only this machine
 * has any.
 */
export function openWords(doors: Doors): string | undefined {
  const { auth, host, port, tlsPort, httpHost, httpPort, httpsPort, tlsClientCa, tlsClient } = doors;
  const wantsCertificates = tlsClientCa !== undefined && tlsClient === 'required';
  const isOpen = (plain: number | 'off', secure: number | 'off') =>
    plain !== 'off' || (secure !== 'off' && !wantsCertificates);
  const hosts = new Set([...(isOpen(port, tlsPort) ? [host] : []), ...(isOpen(httpPort, httpsPort) ? [httpHost] : [])]);
  const open = [...hosts].filter((address) => !isLoopback(address));
  if (auth !== 'off' || open.length === 0) return undefined;
  return `whoever reaches ${open.join(' or ')} may call every operation: set --auth required, or --host 127.0.0.1`;
}
