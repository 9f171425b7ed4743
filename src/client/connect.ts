import { Client } from './client.js';
import type { ConnectOptions } from './options.js';
import { tcpTransport } from './tcp-transport.js';

/**
 * Connects to a trama server over TCP. The first attempt is not repeated; a connection that is lost later is, as
 * `options.reconnect` says.
 * @throws ProtocolError `CONNECT_FAILED`
 * @throws RangeError for an option that is out of range.
 */
export async function connect(options: ConnectOptions = {}): Promise<Client> {
  return Client.open(tcpTransport(options.host ?? '127.0.0.1', options.port ?? 5000), options);
}
