import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';

/**
 * How many threads may really run at once: what the scheduler's affinity mask allows, and no more than the CPU quota of
 * the cgroup that the process is in. A container with `--cpus 2` on a machine of 64 cores has 2: with 64 threads it
 * would spend most of each period stopped.
 *
 * Reads Linux's cgroup v2 (`cpu.max`) and v1 (`cpu.cfs_quota_us`). Elsewhere, and where a file cannot be read, there is
 * no quota.
 */

const cgroupRoot = '/sys/fs/cgroup';

/** Reads a small text file; `undefined` where there is none. */
export type ReadText = (path: string) => string | undefined;

export interface CgroupPaths {
  /** Path of the cgroup in the unified hierarchy. */
  readonly v2?: string;
  /** Name of the mounted hierarchy that has the CPU controller (`cpu,cpuacct`), and the path in it. */
  readonly v1?: { readonly hierarchy: string; readonly path: string };
}

/** Reads the text of `/proc/self/cgroup`: lines of `id:controllers:path`. */
export function parseCgroupPaths(text: string): CgroupPaths {
  const found: { v2?: string; v1?: { hierarchy: string; path: string } } = {};
  for (const line of text.split('\n')) {
    const match = /^(\d+):([^:]*):(\/.*)$/.exec(line);
    if (match === null) continue;
    const [, id, controllers, path] = match as unknown as [string, string, string, string];
    if (id === '0' && controllers === '') found.v2 = path;
    else if (controllers.split(',').includes('cpu')) found.v1 = { hierarchy: controllers, path };
  }
  return found;
}

/** Reads the text of `cpu.max`: `<quota> <period>` in microseconds, or `max <period>`. Answers in cores, fractions too. */
export function quotaFromCpuMax(text: string): number | undefined {
  const [quota, period] = text.trim().split(/\s+/);
  return coresOf(quota, period ?? '100000');
}

/** Reads the texts of v1's `cpu.cfs_quota_us` (−1 for none) and `cpu.cfs_period_us`. */
export function quotaFromCfs(quotaText: string, periodText: string): number | undefined {
  return coresOf(quotaText.trim(), periodText.trim());
}

function coresOf(quotaText: string | undefined, periodText: string): number | undefined {
  const quotaUs = Number(quotaText);
  const periodUs = Number(periodText);
  return quotaUs > 0 && periodUs > 0 ? quotaUs / periodUs : undefined;
}

/** The tightest quota from the process's own cgroup up to the root, in cores: each level limits those below it. */
export function cgroupQuota(read: ReadText): number | undefined {
  const paths = parseCgroupPaths(read('/proc/self/cgroup') ?? '');
  const quotas: (number | undefined)[] = [];
  for (const path of selfAndParents(paths.v2)) {
    const text = read(`${cgroupRoot}${path}/cpu.max`);
    if (text !== undefined) quotas.push(quotaFromCpuMax(text));
  }
  for (const path of selfAndParents(paths.v1?.path)) {
    const folder = `${cgroupRoot}/${paths.v1?.hierarchy}${path}`;
    const quota = read(`${folder}/cpu.cfs_quota_us`);
    const period = read(`${folder}/cpu.cfs_period_us`);
    if (quota !== undefined && period !== undefined) quotas.push(quotaFromCfs(quota, period));
  }
  const limits = quotas.filter((quota) => quota !== undefined);
  return limits.length === 0 ? undefined : Math.min(...limits);
}

/** `/a/b` → `/a/b`, `/a`, ``. A container often sees only the root, whatever path the kernel names. */
function selfAndParents(path: string | undefined): string[] {
  if (path === undefined) return [];
  const parts = path.split('/').filter((part) => part !== '');
  return Array.from({ length: parts.length + 1 }, (_, index) =>
    parts
      .slice(0, parts.length - index)
      .map((part) => `/${part}`)
      .join(''),
  );
}

/** Cores that this process may use, at least 1. A quota of 1.5 counts as 2: the second thread gets its half. */
export function availableCores(read: ReadText = readText, parallelism: number = availableParallelism()): number {
  const quota = cgroupQuota(read);
  return Math.max(1, quota === undefined ? parallelism : Math.min(parallelism, Math.ceil(quota)));
}

function readText(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}
