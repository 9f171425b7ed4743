import { checkObject, checkString, checkWhole } from './checks.js';
import { Client } from './client.js';
import type { ConnectOptions } from './options.js';
import { tcpTransport } from './tcp-transport.js';

/**
 * Connects to a trama server over TCP, by TLS where `options.tls` is set. The first attempt is not repeated; a
 * connection that is lost later is, as `options.reconnect` says.
 * @throws ProtocolError `CONNECT_FAILED`, `UNAUTHENTICATED`
 * @throws TypeError for an option of another type, or certificates that cannot be read, RangeError for one that is out
 *   of range.
 */
export async function connect(options: ConnectOptions = {}): Promise<Client> {
  checkObject('The options of connect', options);
  const { host = '127.0.0.1', port = 5000 } = options;
  if (checkString('host', host) === '') throw new TypeError('host must be a name or an address, not an empty string.');
  checkWhole('port', port, 1, 65535);
  const { tls = false } = options;
  if (tls === false) return Client.open(tcpTransport(host, port), options);
  // Few want it, and it takes a while to load.
  const { checkedTlsOptions, tlsTransport } = await import('./tls-transport.js');
  return Client.open(tlsTransport(host, port, checkedTlsOptions(tls)), options);
}
