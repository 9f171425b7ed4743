/**
 * A TCP connection as a channel. All of them read through one buffer: no allocation, and no fresh page, for each read.
 * A buffer for every read took 40 % of the processor's time for frames of 20 KB. A connection that knows where its next
 * bytes belong has them read to there: the copy of large bodies was half of this thread's time.
 *
 * Node offers this as the `onread` option of a socket, but not of a server. So the handle of an accepted connection is
 * moved to a socket that is made with that option. `_handle` and the option `handle` are what Node's own `cluster` and
 * `tls` pass handles with. Where they are missing, the socket is used as it is. A TLS socket stays what it is.
 */
import net from 'node:net';
import { longReadBytes } from '../connection/loop-share.js';
import type { Arrival } from './acceptor.js';
import type { Channel, ChannelHandlers, PeerAddress, ReadTarget, WriteState } from './channel.js';

/** Four times what Node reads at once by itself: of a large frame it takes a third of the system's time. */
export const readBytes = 256 * 1024;

/** What a read may bring where little is wanted. */
const smallReadBytes = longReadBytes;

/** The parts of Node's TCP handle that are used here; all are internal to Node. */
interface TcpHandle {
  useUserBuffer?(buffer: Uint8Array): void;
  /** Fills in the peer's address; answers with an error number where there is no peer any more. */
  getpeername?(into: object): number;
}

type WithHandle = { _handle?: TcpHandle | null };

/** The buffer that the reads of all channels of a thread go through. */
export class ReadBuffer {
  readonly #large: Uint8Array = Buffer.allocUnsafeSlow(readBytes);
  readonly #small = this.#large.subarray(0, smallReadBytes);

  /** The part of it for the next read. */
  bytes(isLittle: boolean): Uint8Array {
    return isLittle ? this.#small : this.#large;
  }
}

const noBytes = new Uint8Array(0);

/**
 * The members of a socket that its option `onread` sets. A TLS socket that wraps another one, as all of a server do, does
 * not heed that option, but has the same members. They have no names that are exported, so they are taken from a socket that
 * was made with the option.
 */
let onreadMembers: OnreadMembers | undefined;

interface OnreadMembers {
  readonly buffer: symbol;
  readonly callback: symbol;
  readonly nextBuffer: symbol;
}

function findOnreadMembers(): OnreadMembers | undefined {
  const onread = { buffer: Buffer.alloc(1), callback: () => true };
  const probe = new net.Socket({ onread } as net.SocketConstructorOpts);
  const symbols = Object.getOwnPropertySymbols(probe);
  const named = (name: string) => symbols.find(({ description }) => description === name);
  const [buffer, callback, nextBuffer] = [named('kBuffer'), named('kBufferCb'), named('kBufferGen')];
  return buffer && callback && nextBuffer ? { buffer, callback, nextBuffer } : undefined;
}

/** On Windows the system may write to a buffer that was given before: it cannot be taken back. */
const canRetarget = process.platform !== 'win32';

/**
 * Takes over the socket of a connection that was accepted by a server with `pauseOnConnect` and `allowHalfOpen`.
 * @param handlersOf makes the handlers for the channel; none of them is called before it has returned
 */
export function openTcpChannel(
  arrival: Arrival,
  buffer: ReadBuffer,
  handlersOf: (channel: Channel) => ChannelHandlers,
): void {
  new TcpChannel(arrival, buffer, handlersOf);
}

class TcpChannel implements Channel {
  readonly address: PeerAddress;
  readonly identity: string | undefined;
  readonly #socket: net.Socket;
  readonly #buffer: ReadBuffer;
  readonly #handlers: ChannelHandlers;
  #target: ReadTarget | undefined;
  #into: Uint8Array = noBytes;
  /** Is the handle in a socket of ours, which tells by `drain` of each write that the kernel did not take at once? */
  #isTakenOver = false;
  readonly #isSecure: boolean;
  #isWriting = false;
  /** What a step before had read, and the handlers have not been given. It comes before all that is read from now on. */
  #early: Uint8Array = noBytes;
  readonly #written = () => {
    if (!this.#isWriting) return;
    this.#isWriting = false;
    this.#handlers.written();
  };

  constructor(arrival: Arrival, buffer: ReadBuffer, handlersOf: (channel: Channel) => ChannelHandlers) {
    this.address = arrival.address;
    this.identity = arrival.identity;
    this.#buffer = buffer;
    this.#handlers = handlersOf(this);
    this.#isSecure = 'encrypted' in arrival.socket;
    this.#socket = this.#isSecure ? this.#readSecure(arrival.socket) : this.#takeOver(arrival.socket);
    this.#listen();
    if (this.#isTakenOver && this.#early.length > 0) this.#deliverEarlySoon();
  }

  write(bytes: Uint8Array): WriteState {
    if (this.#socket.destroyed) return 'taken';
    if (this.#isTakenOver) this.#socket.write(bytes);
    else this.#socket.write(bytes, this.#written);
    this.#isWriting = this.#socket.writableLength > 0;
    if (!this.#isWriting) return 'taken';
    // A TLS socket has encrypted or copied the bytes by now, and tells so in the next turn, always.
    return this.#isSecure ? 'copied' : 'held';
  }

  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    if (this.#socket.destroyed) return;
    this.#socket.resume();
    if (this.#early.length > 0) this.#deliverEarlySoon();
  }

  end(): void {
    this.#socket.end();
  }

  destroy(): void {
    this.#socket.destroy();
  }

  retarget(): boolean {
    const handle = (this.#socket as WithHandle)._handle;
    if (!canRetarget || !handle?.useUserBuffer || this.#socket.destroyed) return false;
    this.#releaseTarget();
    handle.useUserBuffer(this.#chooseTarget());
    return true;
  }

  isPeerGone(): boolean {
    const handle = (this.#socket as WithHandle)._handle;
    return this.#socket.destroyed || (handle?.getpeername?.({}) ?? 0) !== 0;
  }

  #takeOver(accepted: net.Socket): net.Socket {
    const handle = (accepted as WithHandle)._handle;
    if (!handle?.useUserBuffer) return this.#readByEvents(accepted);
    this.#isTakenOver = true;
    if (accepted.readableLength > 0) this.#early = accepted.read();
    // Without its handle, destroying the socket only tells the server that it is gone.
    (accepted as WithHandle)._handle = null;
    accepted.destroy();
    const onread = { buffer: () => this.#chooseTarget(), callback: (length: number) => this.#read(length) };
    // With a high water mark of one byte, each write that the kernel did not take at once ends in a `drain`.
    const options = { handle, onread, allowHalfOpen: true, readable: true, writable: true, writableHighWaterMark: 1 };
    return new net.Socket(options as net.SocketConstructorOpts);
  }

  #readSecure(socket: net.Socket): net.Socket {
    const handle = (socket as WithHandle)._handle;
    onreadMembers ??= findOnreadMembers();
    if (!onreadMembers || !handle?.useUserBuffer) return this.#readByEvents(socket);
    // What came with the end of the handshake; before the `end` that reading it may bring about.
    this.#deliverEarlySoon();
    this.#early = (socket.read() as Uint8Array | null) ?? noBytes;
    const buffer = this.#chooseTarget();
    const members = socket as unknown as Record<symbol, unknown>;
    members[onreadMembers.buffer] = buffer;
    members[onreadMembers.callback] = (length: number) => this.#read(length);
    members[onreadMembers.nextBuffer] = () => this.#chooseTarget();
    handle.useUserBuffer(buffer);
    return socket.resume();
  }

  #readByEvents(socket: net.Socket): net.Socket {
    socket.on('data', (bytes: Uint8Array) => this.#handlers.received(bytes));
    return socket.resume();
  }

  #read(length: number): boolean {
    // Not the buffer that Node tells: it does not know of `retarget`.
    this.#handlers.received(this.#into.subarray(0, length));
    this.#releaseTarget();
    return true;
  }

  /** Before the next read, which no earlier than the next turn of the loop may bring. */
  #deliverEarlySoon(): void {
    process.nextTick(() => {
      while (this.#early.length > 0 && !this.#socket.isPaused() && !this.#socket.destroyed) this.#deliverPartOfEarly();
    });
  }

  /** As if it was read: it comes in the place that is meant for the read, and the next place is asked for. */
  #deliverPartOfEarly(): void {
    const part = this.#early.subarray(0, this.#into.length);
    this.#early = this.#early.subarray(part.length);
    this.#into.set(part);
    this.#handlers.received(this.#into.subarray(0, part.length));
    this.#releaseTarget();
    const place = this.#chooseTarget();
    (this.#socket as WithHandle)._handle?.useUserBuffer?.(place);
  }

  #listen(): void {
    this.#socket.on('drain', this.#written);
    this.#socket.on('end', () => this.#handlers.ended());
    this.#socket.on('error', (error) => this.#handlers.failed(error));
    this.#socket.on('close', () => {
      this.#releaseTarget();
      this.#handlers.closed();
    });
  }

  #chooseTarget(): Uint8Array {
    this.#target = this.#handlers.nextTarget();
    this.#into = this.#target?.bytes ?? this.#buffer.bytes(this.#handlers.wantsLittle());
    return this.#into;
  }

  #releaseTarget(): void {
    const target = this.#target;
    this.#target = undefined;
    target?.release();
  }
}
