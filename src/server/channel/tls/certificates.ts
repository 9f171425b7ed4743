/**
 * The certificate of the TLS ports, its key, and the authorities of clients: read from files, and read again when they
 * change or somebody asks.
 *
 * Invariant: what is in force was whole when it was read: the key fits the certificate. Where new files are not, the old
 * ones stay, and a line of the log says why. Connections that are open keep what they began with, and tickets stay good
 * as long as their keys are.
 *
 * Files are looked at by their `stat` once a second, and read when two looks in a row find the same change: whoever
 * replaces two files may be in between. That sees renames and the symbolic links that Kubernetes swaps, which a watch of
 * the file itself does not.
 */
import { constants, createHash, X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import { createSecureContext, type SecureContext, type SecureContextOptions } from 'node:tls';
import type { Config } from '../../../config/config.js';
import { variableOf } from '../../../config/option-kinds.js';
import { options } from '../../../config/options.js';
import { ConfigError } from '../../../errors.js';
import type { OperationLog } from '../../../ops/define-operation.js';
import { cutText } from '../../../protocol/cut-text.js';
import type { TicketKeys } from './ticket-keys.js';

export type TlsConfig = Pick<Config, 'tlsCert' | 'tlsKey' | 'tlsClientCa' | 'tlsClient' | 'tlsMin'>;

/** Whether clients are asked for a certificate. */
export type ClientCertificates = 'none' | 'optional' | 'required';

/** How often files are looked at. */
const lookMs = 1000;
/** A chain, or a list of authorities, has some kilobytes. A device would have no end. */
const fileBytesMax = 4 * 1024 * 1024;
/** A session that a client may take up again is this old at the most. */
const sessionSeconds = 3600;

interface Loaded {
  readonly context: SecureContext;
  /** What the context was made of, but for the keys of tickets. */
  readonly options: SecureContextOptions;
  /** That the keys of tickets have in the context. */
  readonly ticketKeys: number;
  readonly certificate: X509Certificate;
}

type FileKey = 'tlsCert' | 'tlsKey' | 'tlsClientCa';

export class Certificates {
  readonly clients: ClientCertificates;
  readonly #config: TlsConfig;
  readonly #log: Pick<OperationLog, 'info' | 'warn'>;
  /** Kept over reloads, so that clients go on taking up their sessions. */
  readonly #ticketKeys: TicketKeys;
  readonly #timer: NodeJS.Timeout;
  #loaded: Loaded;
  /** What the files looked like when they were read, or were tried. */
  #triedStamp = '';
  #lastStamp = '';

  /** @throws ConfigError naming the option and what is wrong with its file */
  constructor(config: TlsConfig, ticketKeys: TicketKeys, log: Pick<OperationLog, 'info' | 'warn'>) {
    this.#config = config;
    this.#ticketKeys = ticketKeys;
    this.#log = log;
    this.clients = config.tlsClientCa === undefined ? 'none' : config.tlsClient;
    this.#loaded = this.#load();
    this.#warnOfTime();
    void this.#stamp().then((stamp) => {
      this.#triedStamp = stamp;
    });
    this.#timer = setInterval(() => void this.#look(), lookMs).unref();
  }

  /** With the keys of tickets that all threads have now. */
  get context(): SecureContext {
    if (this.#loaded.ticketKeys !== this.#ticketKeys.number) {
      const { options, certificate } = this.#loaded;
      this.#loaded = this.#make(options, certificate);
    }
    return this.#loaded.context;
  }

  /** When the certificate in force ends, in seconds since 1970. */
  get expiresAtSeconds(): number {
    return Date.parse(this.#loaded.certificate.validTo) / 1000;
  }

  /**
   * Reads the files anew.
   * @param by who asks, for the log
   * @throws ConfigError where they are not fit to be used; the old ones stay, and the log says why
   */
  reload(by: string): void {
    try {
      this.#loaded = this.#load();
    } catch (error) {
      const reason = (error as Error).message;
      this.#log.warn({ by, reason }, 'certificate not reloaded: the old one stays in force');
      throw error;
    }
    const { subject, validTo } = this.#loaded.certificate;
    this.#log.info({ by, subject: oneLine(subject), validTo }, 'certificate reloaded');
    this.#warnOfTime();
  }

  close(): void {
    clearInterval(this.#timer);
  }

  async #look(): Promise<void> {
    const stamp = await this.#stamp();
    const isSettled = stamp === this.#lastStamp;
    this.#lastStamp = stamp;
    if (!isSettled || stamp === this.#triedStamp) return;
    this.#triedStamp = stamp;
    try {
      this.reload('files');
    } catch {
      // It is in the log, and is tried again when the files change again.
    }
  }

  async #stamp(): Promise<string> {
    const stamps = fileKeys.map(async (key) => {
      const path = this.#config[key];
      if (path === undefined) return '';
      const found = await stat(path).catch(() => undefined);
      return found === undefined ? 'none' : `${found.dev} ${found.ino} ${found.size} ${found.mtimeMs} ${found.ctimeMs}`;
    });
    return (await Promise.all(stamps)).join('|');
  }

  #load(): Loaded {
    const cert = readPem(this.#config, 'tlsCert');
    const key = readPem(this.#config, 'tlsKey');
    const ca = this.#config.tlsClientCa === undefined ? undefined : readPem(this.#config, 'tlsClientCa');
    const certificate = firstCertificate(cert, this.#config, 'tlsCert');
    if (ca !== undefined) firstCertificate(ca, this.#config, 'tlsClientCa');
    try {
      const options: SecureContextOptions = {
        cert,
        key,
        ...(ca === undefined ? {} : { ca }),
        minVersion: this.#config.tlsMin === '1.3' ? 'TLSv1.3' : 'TLSv1.2',
        honorCipherOrder: true,
        // One handshake for a connection: further ones would not be paid for by the budget of handshakes.
        secureOptions: constants.SSL_OP_NO_RENEGOTIATION,
        sessionTimeout: sessionSeconds,
        // A session is taken up again only under the authorities that it was made under.
        sessionIdContext: createHash('sha256').update(`${this.clients} ${ca}`).digest('hex').slice(0, 32),
      };
      return this.#make(options, certificate);
    } catch (error) {
      throw new ConfigError(keyProblem(error as Error, this.#config), { cause: error });
    }
  }

  #make(options: SecureContextOptions, certificate: X509Certificate): Loaded {
    const { keys, number } = this.#ticketKeys.read();
    return { context: createSecureContext({ ...options, ticketKeys: keys }), options, ticketKeys: number, certificate };
  }

  #warnOfTime(): void {
    const { validFrom, validTo } = this.#loaded.certificate;
    if (Date.parse(validTo) < Date.now()) this.#log.warn({ validTo }, 'the certificate has expired: clients refuse it');
    else if (Date.parse(validFrom) > Date.now()) this.#log.warn({ validFrom }, 'the certificate is not valid yet');
  }
}

const fileKeys: readonly FileKey[] = ['tlsCert', 'tlsKey', 'tlsClientCa'];

function readPem(config: TlsConfig, key: FileKey): Buffer {
  const path = config[key]!;
  let bytes: Buffer;
  try {
    bytes = readFileSync(path);
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException;
    throw new ConfigError(`${named(config, key)} cannot be read (${code ?? message})`, { cause });
  }
  if (bytes.length <= fileBytesMax && bytes.includes('-----BEGIN ')) return bytes;
  throw new ConfigError(`${named(config, key)} is not PEM: it has no line -----BEGIN …-----`);
}

function firstCertificate(pem: Buffer, config: TlsConfig, key: FileKey): X509Certificate {
  try {
    return new X509Certificate(pem);
  } catch (cause) {
    throw new ConfigError(`${named(config, key)} has no certificate that can be read`, { cause });
  }
}

/** OpenSSL's words are for those who know it. */
function keyProblem({ message }: Error, config: TlsConfig): string {
  if (/key values mismatch|key type mismatch/.test(message)) {
    return `${named(config, 'tlsKey')} is not the key of the certificate in ${shown(config.tlsCert!)}`;
  }
  if (/bad decrypt|interrupted or cancelled|bad password/.test(message)) {
    return `${named(config, 'tlsKey')} is encrypted; give a key without a passphrase`;
  }
  if (/no start line|DECODER|unsupported|PEM/i.test(message)) {
    return `${named(config, 'tlsKey')} has no private key that can be read`;
  }
  return `${named(config, 'tlsCert')} and its key cannot be used: ${oneLine(message)}`;
}

function named(config: TlsConfig, key: FileKey): string {
  return `--${options[key].flag} (${variableOf(options[key])}): ${shown(config[key]!)}`;
}

function shown(path: string): string {
  return JSON.stringify(cutText(path, 400));
}

function oneLine(text: string): string {
  return cutText(text.replaceAll(/\s*\n\s*/g, ', '), 400);
}
