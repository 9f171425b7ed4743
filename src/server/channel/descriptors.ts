import { readFileSync } from 'node:fs';

/** Descriptors that the process needs beside its connections: files, threads, the HTTP side. */
const reservedMax = 256;

/**
 * How many connections the open files of the process allow, by `ulimit -n`; `Infinity` where that is not known. Beyond it
 * the system closes connections without a word, so whoever counts them turns them away before.
 */
export function connectionsAllowed(readLimits: () => string = readLinuxLimits): number {
  const files = filesOf(readLimits());
  return Math.max(1, files - reservedOf(files));
}

/** What Node, its threads and the HTTP side have of them when the server is warm, with a few to spare. */
const ownFiles = 40;

/** How many connections may be told at once that there is no place: they are beyond those that are allowed. */
export function turnedAwayAllowed(readLimits: () => string = readLinuxLimits): number {
  return Math.max(1, reservedOf(filesOf(readLimits())) - ownFiles);
}

function filesOf(limits: string): number {
  const match = /^Max open files\s+(\d+)/m.exec(limits);
  return match === null ? Number.POSITIVE_INFINITY : Number(match[1]);
}

function reservedOf(files: number): number {
  return Math.min(reservedMax, Math.ceil(files / 2));
}

function readLinuxLimits(): string {
  try {
    return readFileSync('/proc/self/limits', 'utf8');
  } catch {
    return '';
  }
}
