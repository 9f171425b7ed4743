/** The transport over TLS, for Node: that over TCP, with the socket wrapped. A session is taken up again by the next connection. */

import net from 'node:net';
import { connect, createSecureContext, type SecureContext } from 'node:tls';
import { address } from '../protocol/address.js';
import { checkBoolean, checkObject, checkString, messageOf } from './checks.js';
import { keptAliveAfterMs, makePatient, SocketTransport } from './tcp-transport.js';
import type { OpenTransport } from './transport.js';

export interface TlsOptions {
  /** The authorities that the server's certificate is checked against, as PEM. Default: those that Node knows. */
  readonly ca?: string | Uint8Array | readonly (string | Uint8Array)[];
  /** A certificate for servers that ask for one, and its key, as PEM. */
  readonly cert?: string | Uint8Array;
  readonly key?: string | Uint8Array;
  /** The name that the server's certificate must be for. Default: the host. */
  readonly serverName?: string;
  /** False takes any certificate, also that of somebody in between. Default: true. */
  readonly rejectUnauthorized?: boolean;
}

/**
 * @param port of a server's `--tls-port`
 * @throws TypeError where certificates or keys cannot be read
 */
export function tlsTransport(host: string, port: number, options: TlsOptions = {}): OpenTransport {
  const { serverName = host, rejectUnauthorized = true } = options;
  const secureContext = contextOf(options);
  let session: Buffer | undefined;
  return (handlers) => {
    const raw = new net.Socket();
    raw.connect({ host, port, noDelay: true, keepAlive: true, keepAliveInitialDelay: keptAliveAfterMs });
    const secure = connect({
      socket: raw,
      host,
      ...(net.isIP(serverName) === 0 ? { servername: serverName } : {}),
      rejectUnauthorized,
      secureContext,
      ...(session === undefined ? {} : { session }),
    });
    secure.on('session', (ticket) => {
      session = ticket;
    });
    return new SocketTransport(address(host, port), makePatient(secure), raw, 'secureConnect', handlers);
  };
}

/** @throws TypeError */
export function checkedTlsOptions(value: unknown): TlsOptions {
  if (value === true) return {};
  checkObject('tls, where it is not true or false,', value);
  const options = value as TlsOptions;
  checkBoolean('tls.rejectUnauthorized', options.rejectUnauthorized);
  if (options.serverName !== undefined) checkString('tls.serverName', options.serverName);
  if ((options.cert === undefined) !== (options.key === undefined)) {
    throw new TypeError('tls.cert and tls.key go together; give both, or neither.');
  }
  return options;
}

function contextOf({ ca, cert, key }: TlsOptions): SecureContext {
  const given = (value: TlsOptions['ca']) => {
    if (value === undefined || typeof value === 'string') return value;
    return Array.isArray(value) ? value.map(asBuffer) : asBuffer(value as Uint8Array);
  };
  const [authorities, certificate, privateKey] = [given(ca), given(cert), given(key)];
  try {
    return createSecureContext({
      ...(authorities === undefined ? {} : { ca: authorities }),
      ...(certificate === undefined ? {} : { cert: certificate }),
      ...(privateKey === undefined ? {} : { key: privateKey as string | Buffer }),
      minVersion: 'TLSv1.2',
    });
  } catch (cause) {
    throw new TypeError(`The certificates or the key for TLS cannot be used: ${messageOf(cause)}.`, { cause });
  }
}

function asBuffer(value: string | Uint8Array): string | Buffer {
  return typeof value === 'string' ? value : Buffer.from(value.buffer, value.byteOffset, value.byteLength);
}
