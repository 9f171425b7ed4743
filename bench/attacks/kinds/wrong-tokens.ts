import { connect } from 'node:net';
import type { Attack } from '../attack.js';
import { requestFrame } from '../frames.js';

const dialTimeoutMs = 5_000;

/**
 * So many loops that connect, send a wrong token, and wait until they are cut off. Each connection comes from another
 * address of 127.0.0.0/8, so that what the server keeps of an address is no help against them.
 */
export function wrongTokens(atOnce: number): Attack {
  return async ({ port }) => {
    let sent = 0;
    let refused = 0;
    const tryOnce = () =>
      new Promise<void>((resolve) => {
        const number = sent++;
        const localAddress = `127.${1 + ((number >> 14) % 250)}.${(number >> 7) & 127}.${1 + (number & 127)}`;
        const socket = connect({ host: '127.0.0.1', port, localAddress, noDelay: true });
        socket.setTimeout(dialTimeoutMs, () => socket.destroy());
        socket.once('connect', () => socket.write(requestFrame('a', '$auth', `{"token":"trama_${number}"}`)));
        socket.once('data', () => refused++);
        socket.on('error', () => {});
        socket.once('close', () => resolve());
      });
    const goOn = async () => {
      while (true) await tryOnce();
    };
    for (let count = 0; count < atOnce; count++) void goOn();
    return () => ({ sent, refused });
  };
}
