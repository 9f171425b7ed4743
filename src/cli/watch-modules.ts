/**
 * `--watch`: asks for a reload when a file of the operations changes.
 *
 * What is watched are the folders of the files: editors replace a file by another one of its name, and a watcher of the
 * old file would see nothing more. A file that is missing for a moment, as in the middle of such a replacement, is waited
 * for. A file counts as changed only when its size, time or identity differs, since some changes are told several times.
 */

import { type FSWatcher, statSync, watch } from 'node:fs';
import { basename, dirname } from 'node:path';
import type { Logger } from 'pino';
import type { Reloads } from './reloads.js';

/** Editors write in several steps, and one save may touch several files. */
const settleMs = 100;

type WatchLog = Pick<Logger, 'warn'>;

/**
 * @param files the files that are in force, as absolute paths; asked again after each reload
 * @returns ends the watch
 */
export function watchModules(
  files: () => readonly string[],
  reloads: Pick<Reloads, 'run' | 'onEnd'>,
  log: WatchLog,
): () => void {
  const watchers = new Map<string, FSWatcher>();
  let seen = new Map<string, string>();
  let timer: NodeJS.Timeout | undefined;
  let stopped = false;

  function renew(): void {
    if (stopped) return;
    const paths = files();
    seen = new Map(paths.map((path) => [path, seen.get(path) ?? fingerprint(path)]));
    const folders = new Set(paths.map((path) => dirname(path)));
    for (const [folder, watcher] of watchers) {
      if (!folders.has(folder)) unwatch(folder, watcher);
    }
    for (const folder of folders) if (!watchers.has(folder)) watchFolder(folder);
  }

  function watchFolder(folder: string): void {
    try {
      const watcher = watch(folder, (_event, name) => {
        const isOurs = name === null || [...seen.keys()].some((path) => basename(path) === name);
        if (isOurs) timer = timer?.refresh() ?? setTimeout(look, settleMs);
      });
      watcher.on('error', (error) => {
        unwatch(folder, watcher);
        cannotWatch(folder, error);
      });
      watchers.set(folder, watcher);
    } catch (error) {
      cannotWatch(folder, error as Error);
    }
  }

  function unwatch(folder: string, watcher: FSWatcher): void {
    watchers.delete(folder);
    watcher.close();
  }

  function cannotWatch(folder: string, error: Error): void {
    log.warn({ folder, reason: error.message }, '--watch cannot watch a folder; `trama reload` and SIGHUP still work');
  }

  /** Reloads where the files differ from those that were loaded last, and all of them are there. */
  async function look(): Promise<void> {
    timer = undefined;
    const now = new Map([...seen.keys()].map((path) => [path, fingerprint(path)]));
    const changed = [...now].some(([path, print]) => print !== seen.get(path));
    if (stopped || !changed || [...now.values()].includes(missing)) return;
    seen = now;
    // What went wrong is in the log, and the next change of a file tries again.
    await reloads.run('watch').catch(() => {});
  }

  reloads.onEnd(renew);
  renew();
  return () => {
    stopped = true;
    clearTimeout(timer);
    for (const [folder, watcher] of watchers) unwatch(folder, watcher);
  };
}

const missing = 'missing';

function fingerprint(path: string): string {
  try {
    const { ino, size, mtimeMs } = statSync(path);
    return `${ino} ${size} ${mtimeMs}`;
  } catch {
    return missing;
  }
}
