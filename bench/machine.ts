import { arch, availableParallelism, cpus, platform, release, totalmem } from 'node:os';
import { basename, isAbsolute } from 'node:path';

/** Where figures were taken: no figure means anything without it. */
export interface Machine {
  readonly processor: string;
  readonly cores: number;
  readonly memoryGiB: number;
  readonly system: string;
  readonly node: string;
  readonly v8: string;
  /** Flags given to Node, by command line and by NODE_OPTIONS. */
  readonly nodeFlags: readonly string[];
}

/** The command of a run, as its results tell it: where files are on this machine is nobody's business. */
export function describeCommand(args: readonly string[]): string {
  const told = args.map((arg) => (isAbsolute(arg) ? basename(arg) : arg));
  return ['npm run bench', ...(told.length > 0 ? ['--', ...told] : [])].join(' ');
}

export function describeMachine(): Machine {
  const fromEnvironment = process.env.NODE_OPTIONS?.split(/\s+/).filter((flag) => flag !== '') ?? [];
  return {
    processor: cpus()[0]?.model.trim() || 'unknown',
    cores: availableParallelism(),
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    system: `${platform()} ${release()} ${arch()}`,
    node: process.version,
    v8: process.versions.v8,
    nodeFlags: [...fromEnvironment, ...process.execArgv],
  };
}
