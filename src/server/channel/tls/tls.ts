/** The TLS of a process: one certificate, and the handshakes of its thread. Loaded only where there is a port with TLS. */
import type { OperationLog } from '../../../ops/define-operation.js';
import { Certificates, type TlsConfig } from './certificates.js';
import { Handshakes } from './handshakes.js';

export interface Tls {
  readonly handshakes: Handshakes;
  /** Notes that a port uses the certificate, for the metrics. */
  usedBy(listener: 'tls' | 'https'): void;
  /** When the certificate of each port ends. */
  certificates(): readonly { readonly listener: string; readonly expiresAtSeconds: number }[];
  /** See `Certificates.reload`. */
  reload(by: string): void;
  close(): void;
}

/** @throws ConfigError where the files of the certificate are not fit to be used */
export function openTls(config: TlsConfig, log: OperationLog): Tls {
  const certificates = new Certificates(config, log);
  const listeners: string[] = [];
  return {
    handshakes: new Handshakes(certificates),
    usedBy: (listener) => void listeners.push(listener),
    certificates: () => listeners.map((listener) => ({ listener, expiresAtSeconds: certificates.expiresAtSeconds })),
    reload: (by) => certificates.reload(by),
    close: () => certificates.close(),
  };
}
