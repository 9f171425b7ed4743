/**
 * Lets all connections read through one buffer: no allocation, and no fresh page, for each read. It cost 40 % of the
 * processor's time for frames of 20 KB to give every read a buffer of its own. A connection that knows where its next
 * bytes are to stand may have them read to there: the copy of large bodies was half of this thread's time.
 *
 * Node offers this as the `onread` option of a socket, but not of a server. So the handle of an accepted connection is
 * moved to a socket made with that option. `_handle` and the option `handle` are what Node's own `cluster` and `tls`
 * pass handles with; where they should be missing, the socket is used as it is.
 */
import net from 'node:net';

/** Four times what Node reads at once by itself: of a large frame it takes a third of the system's time. */
export const readBytes = 256 * 1024;

/** Where a connection's next read goes, in place of the shared buffer. */
export interface ReadTarget {
  readonly bytes: Uint8Array;
  /** Called once when no read goes there any more: behind the `receive` of the one that did, or at the socket's end. */
  release(): void;
}

type WithHandle = { _handle?: unknown };

export class SharedReads {
  readonly #buffer: Uint8Array = Buffer.allocUnsafeSlow(readBytes);

  /**
   * Takes over an accepted socket and gives the one to use instead; `receive` is called with each read's bytes, which
   * are overwritten by the next read of any connection, unless `nextTarget` had a place for them.
   * @param accepted from a server with `pauseOnConnect` and `allowHalfOpen`
   * @param nextTarget asked at once where the read to come is to go, even if reading is paused then
   */
  open(
    accepted: net.Socket,
    receive: (bytes: Uint8Array) => void,
    nextTarget: () => ReadTarget | undefined,
  ): net.Socket {
    const handle = (accepted as WithHandle)._handle;
    if (!handle) {
      accepted.on('data', receive);
      return accepted.resume();
    }
    // Without its handle, destroying the socket only tells the server that it is gone.
    (accepted as WithHandle)._handle = null;
    accepted.destroy();
    let target: ReadTarget | undefined;
    const release = () => {
      target?.release();
      target = undefined;
    };
    const onread = {
      buffer: () => {
        target = nextTarget();
        return target?.bytes ?? this.#buffer;
      },
      callback: (length: number, bytes: Uint8Array) => {
        receive(bytes.subarray(0, length));
        release();
        return true;
      },
    };
    const socket = new net.Socket({
      handle,
      onread,
      allowHalfOpen: true,
      readable: true,
      writable: true,
    } as net.SocketConstructorOpts);
    return socket.once('close', release);
  }
}
