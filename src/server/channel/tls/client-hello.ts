/** Reads what a TLS client sends first, before anything is done for it. */
import type { Socket } from 'node:net';

const recordHeaderBytes = 5;
const recordBytesMax = 16 * 1024 + 256;
const handshakeRecord = 22;

/**
 * Reads until the first record is whole. `take` is given its bytes, or nothing where this is no TLS. A peer that sends more
 * before it is answered is cut.
 * @returns stops to read, and leaves the socket paused
 */
export function readHello(socket: Socket, take: (hello: Buffer | undefined) => void): () => void {
  let hello: Buffer | undefined;
  let isTaken = false;
  // Events of data cost the least: Node passes the bytes on in the turn that they come in.
  const onData = (bytes: Buffer) => {
    // Nobody sends more before there is an answer.
    if (isTaken) return void socket.destroy();
    hello = hello === undefined ? bytes : Buffer.concat([hello, bytes]);
    if (hello[0] !== handshakeRecord || (hello.length > 1 && hello[1] !== 3) || hello.length > recordBytesMax) {
      isTaken = true;
      take(undefined);
      return;
    }
    if (hello.length < recordHeaderBytes || hello.length < recordHeaderBytes + hello.readUInt16BE(3)) return;
    isTaken = true;
    take(hello);
  };
  socket.on('data', onData).resume();
  return () => void socket.off('data', onData).pause();
}
