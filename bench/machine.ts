import { arch, availableParallelism, cpus, platform, release, totalmem } from 'node:os';

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
