/**
 * A client for one command: it connects, does what the command wants, and is closed without a wait.
 *
 * Invariant: no command waits for ever on a peer that never answers. A peer is given up when nothing at all has come from
 * it for a while, although it was asked for a sign of life. A server answers `$ping` at once, also while it receives a
 * large sum or computes for hours, so that neither is cut.
 */

import { Client, type ClientOptions, type OpenTransport, ReplyError } from '../client/index.js';
import { tcpTransport } from '../client/tcp-transport.js';
import { address } from '../protocol/address.js';
import { frameHeaderBytes } from '../protocol/limits.js';
import { readTlsFlags, type TlsFlags } from './tls-flags.js';
import { type TokenFlags, tokenOf } from './token-option.js';

export interface Peer extends TlsFlags, TokenFlags {
  readonly host: string;
  readonly port: number;
  readonly connectTimeoutMs: number;
  /**
   * Silence after which the peer is given up, in milliseconds. A command may hand the same to its client, where it is the
   * limit of a stream that does not move on, whether or not `$ping` is answered.
   */
  readonly idleTimeoutMs: number;
}

/** The peer neither answers nor gives a sign of life. */
class SilentPeerError extends Error {}

/** What is known of the bytes that were sent. */
export interface Sent {
  /** Bytes of the body of the first frame, but for that of the token, on the connection that was opened last. */
  readonly bodyBytes: number;
}

/**
 * Runs `action` with a client that is connected. The connection is not renewed, since a command is over when it is lost.
 * @throws what `action` throws; an error of one sentence where the peer cannot be reached or falls silent
 */
export async function withClient<T>(
  peer: Peer,
  options: ClientOptions,
  action: (client: Client, sent: Sent) => Promise<T>,
): Promise<T> {
  const { host, port, connectTimeoutMs } = peer;
  const token = tokenOf(peer);
  const traffic = new Traffic(peer, token !== undefined);
  const tls = readTlsFlags(peer);
  const open = tls
    ? (await import('../client/tls-transport.js')).tlsTransport(host, port, tls)
    : tcpTransport(host, port);
  const client = await Client.open(traffic.watch(open), {
    ...options,
    ...(token !== undefined && { token }),
    connectTimeoutMs,
    reconnect: false,
  });
  try {
    return await Promise.race([action(client, traffic), traffic.waitForSilence(client)]);
  } finally {
    traffic.stop();
    await client.close({ drainMs: 0 });
  }
}

/** Knows when bytes last came from the peer or were taken by it, over whatever connection. */
class Traffic implements Sent {
  bodyBytes = 0;
  readonly #peer: Peer;
  /** Is the first frame of each connection the one with the token, in one piece? */
  readonly #sendsToken: boolean;
  #lastMs = performance.now();
  #timer: NodeJS.Timeout | undefined;
  #stopped = false;

  constructor(peer: Peer, sendsToken: boolean) {
    this.#sendsToken = sendsToken;
    this.#peer = peer;
  }

  watch(open: OpenTransport): OpenTransport {
    const note = () => {
      this.#lastMs = performance.now();
    };
    return (handlers) => {
      const transport = open({
        ...handlers,
        received: (chunk) => {
          note();
          handlers.received(chunk);
        },
        drained: () => {
          note();
          handlers.drained();
        },
      });
      let piecesBefore = this.#sendsToken ? 1 : 0;
      return {
        peer: transport.peer,
        write: (bytes) => {
          if (piecesBefore === 0 && bytes.length >= frameHeaderBytes) {
            this.bodyBytes = new DataView(bytes.buffer, bytes.byteOffset).getUint32(0);
          }
          piecesBefore--;
          return transport.write(bytes);
        },
        end: () => transport.end(),
        destroy: () => transport.destroy(),
      };
    };
  }

  /** Never resolves. @throws SilentPeerError once the peer has been silent for too long */
  async waitForSilence(client: Client): Promise<never> {
    const { idleTimeoutMs } = this.#peer;
    while (true) {
      await this.#sleep(idleTimeoutMs / 2);
      if (performance.now() - this.#lastMs < idleTimeoutMs / 2) continue;
      if (!(await this.#givesSign(client, idleTimeoutMs / 2))) throw this.#silent();
    }
  }

  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#timer);
  }

  async #givesSign(client: Client, limitMs: number): Promise<boolean> {
    const askedAtMs = performance.now();
    try {
      await client.call('$ping', undefined, { timeoutMs: limitMs });
      return true;
    } catch (error) {
      // Any reply is a sign.
      if (error instanceof ReplyError || this.#stopped) return true;
      // Without this connection a streamed call may still go on over its own. Otherwise one turn more: after a stall of
      // this process its timers are looked at before what has come meanwhile.
      await this.#sleep(client.state === 'closed' ? limitMs : 1);
      return this.#lastMs > askedAtMs;
    }
  }

  #sleep(ms: number): Promise<void> {
    return new Promise((resolve) => {
      this.#timer = setTimeout(resolve, ms);
      if (this.#stopped) clearTimeout(this.#timer);
    });
  }

  #silent(): SilentPeerError {
    const { host, port, idleTimeoutMs } = this.#peer;
    return new SilentPeerError(
      `Nothing has come from ${address(host, port)} for ${idleTimeoutMs} ms, not even an answer to $ping; is it a trama server? ` +
        '(--idle-timeout-ms sets the time.)',
    );
  }
}
