/** What the kernel tells of a process, from /proc; undefined on systems that have none. */
import { readFileSync } from 'node:fs';

/** Linux counts processor time in hundredths of a second for user space, whatever its own clock does. */
const ticksPerSecond = 100;

/** Resident memory in bytes. */
export function residentBytes(pid: number): number | undefined {
  const kibibytes = read(`/proc/${pid}/status`)?.match(/^VmRSS:\s+(\d+) kB/m)?.[1];
  return kibibytes === undefined ? undefined : Number(kibibytes) * 1024;
}

/** Processor time of a process and all its threads so far, in seconds. */
export function processorSeconds(pid: number): number | undefined {
  return ticks(pid, 11, 12);
}

/** Processor time of this process's children that have ended, in seconds. */
export function endedChildrenSeconds(): number | undefined {
  return ticks('self', 13, 14);
}

/** Fields are counted after the command's name, which may have any characters: the last `)` ends it. */
function ticks(pid: number | 'self', ...fields: number[]): number | undefined {
  const stat = read(`/proc/${pid}/stat`);
  const values = stat?.slice(stat.lastIndexOf(')') + 2).split(' ');
  return values && fields.reduce((total, field) => total + Number(values[field]), 0) / ticksPerSecond;
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}
