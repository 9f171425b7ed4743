import { readFileSync } from 'node:fs';
import { pieceBytes } from '../connection/reply-writer.js';

const sendBufferMaxDefault = 4 * 1024 * 1024;
const receiveBufferMaxDefault = 6 * 1024 * 1024;

/**
 * Bytes that a peer may take without that anything of it shows here. A socket counts as writable again when a third of
 * its send buffer is free, a peer's window opens again when a sixteenth of its receive buffer is, and a piece that is
 * being written shows when all of it is taken (`tcp_wmem`, `tcp_rmem` in Linux' tcp(7)).
 */
export function hiddenBytesMax(read: (path: string) => string = readText): number {
  const largest = (name: string, otherwise: number) =>
    Number(/(\d+)\s*$/.exec(read(`/proc/sys/net/ipv4/${name}`))?.[1] ?? otherwise);
  const sendBuffer = largest('tcp_wmem', sendBufferMaxDefault);
  const receiveBuffer = largest('tcp_rmem', receiveBufferMaxDefault);
  return Math.ceil(sendBuffer / 3 + receiveBuffer / 16) + pieceBytes;
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
