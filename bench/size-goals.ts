/** What is to be reached at every size of the same work, and where kinds of work meet. */
import { mixedNames } from './load-rows.js';
import { atLeast, atMost } from './outcome.js';
import type { GoalOutcome, MixedResults, SizeResults, SizeRow } from './results.js';

/** Bounds of trama's rate by that of a peer, for work of a size and above. */
const bounds = [
  { op: 'echo', from: 16 * 1024, peer: 'C, epoll', bound: 0.5 },
  { op: 'echo', from: 1024, peer: 'plain Node', bound: 3 },
  { op: 'sum', from: 1_000, peer: 'plain Node', bound: 6 },
] as const;

/** No sum is to move fewer bytes a second than this share of the best of the smaller ones. */
const stepMin = 0.85;
const streamsP99MsMax = 10;
const connectsShareMin = 0.8;

export function sizeOutcomes({ rows }: SizeResults): GoalOutcome[] {
  const againstPeers = bounds.flatMap(({ op, from, peer, bound }) =>
    rows.flatMap((row) => {
      const cell = row.cells.find((each) => each.peer === peer);
      if (row.op !== op || row.count < from || cell === undefined) return [];
      return [atLeast(`${row.name}: rate`, cell.rateRatio, bound, peer)];
    }),
  );
  return [...againstPeers, ...stepOutcomes(rows.filter(({ op }) => op === 'sum'))];
}

/** @param rows the smallest first */
function stepOutcomes(rows: readonly SizeRow[]): GoalOutcome[] {
  let best = 0;
  return rows.flatMap((row) => {
    const own = megabytesPerSecond(row, 0);
    const share = own / best;
    const isFirst = best === 0;
    best = Math.max(best, own);
    return isFirst ? [] : [atLeast(`${row.name}: MB/s`, share, stepMin, 'the best of smaller ones')];
  });
}

/** Of the requests. @param index of the cell; 0 is trama's */
export function megabytesPerSecond({ cells, requestBytes }: SizeRow, index: number): number {
  return (cells[index]!.ratePerSecond * requestBytes) / 1e6;
}

export function mixedOutcomes({ streams, connects }: MixedResults): GoalOutcome[] {
  const outcomes: GoalOutcome[] = [];
  if (streams !== undefined) {
    outcomes.push(atMost(`${mixedNames.streams}: p99`, streams.beside.p99Us / 1000, streamsP99MsMax, 'ms'));
  }
  if (connects !== undefined) outcomes.push(atLeast(mixedNames.connects, connects.ratio, connectsShareMin, 'alone'));
  return outcomes;
}
