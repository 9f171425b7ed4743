/** The TLS of a process: one certificate, and the handshakes of its thread. Loaded only where there is a port with TLS. */
import type { OperationLog } from '../../../ops/define-operation.js';
import { Certificates, type TlsConfig } from './certificates.js';
import { Handshakes } from './handshakes.js';
import { TicketKeys, ticketKeysMs } from './ticket-keys.js';

export interface Tls {
  readonly handshakes: Handshakes;
  /** Notes that a port uses the certificate, for the metrics. */
  usedBy(listener: 'tls' | 'https'): void;
  /** When the certificate of each port ends. */
  certificates(): readonly { readonly listener: string; readonly expiresAtSeconds: number }[];
  /** For the other I/O threads. See `TicketKeys`. */
  readonly ticketKeys: SharedArrayBuffer;
  /** Puts new keys of session tickets in force, in all threads. */
  renewTicketKeys(): void;
  /** See `Certificates.reload`. */
  reload(by: string): void;
  close(): void;
}

/**
 * @param sharedKeys the first I/O thread's keys of tickets, in the others; the first one makes and replaces them
 * @throws ConfigError where the files of the certificate are not fit to be used
 */
export function openTls(config: TlsConfig, log: OperationLog, sharedKeys?: SharedArrayBuffer): Tls {
  const ticketKeys = new TicketKeys(sharedKeys);
  const certificates = new Certificates(config, ticketKeys, log);
  const isFirst = sharedKeys === undefined;
  const renewal = isFirst ? setInterval(() => ticketKeys.renew(), ticketKeysMs).unref() : undefined;
  const listeners: string[] = [];
  return {
    handshakes: new Handshakes(certificates),
    usedBy: (listener) => void listeners.push(listener),
    certificates: () => listeners.map((listener) => ({ listener, expiresAtSeconds: certificates.expiresAtSeconds })),
    ticketKeys: ticketKeys.memory,
    renewTicketKeys: () => ticketKeys.renew(),
    reload: (by) => certificates.reload(by),
    close: () => {
      clearInterval(renewal);
      certificates.close();
    },
  };
}
