import type { Section } from './section.js';
import type { QueueSnapshot } from './task.js';

/** Adding up the figures of sections. */

/** One row for each operation, over all sections that have it. */
export function rowsOf(sections: readonly Section[]): QueueSnapshot[] {
  const rows = new Map<string, QueueSnapshot>();
  for (const { op, waiting, running } of sections.flatMap(({ queues }) => queues)) {
    const other = rows.get(op) ?? { waiting: 0, running: 0 };
    rows.set(op, { op, waiting: waiting.size + other.waiting, running: running + other.running });
  }
  return [...rows.values()];
}

export function sumOf<Counts extends { readonly [name: string]: number }>(all: readonly Counts[]): Counts {
  const names = Object.keys(all[0]!);
  const sums = names.map((name) => [name, all.reduce((sum, counts) => sum + counts[name]!, 0)]);
  return Object.fromEntries(sums);
}
