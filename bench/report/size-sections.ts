/** Tables of the same work by size, and of kinds of work that meet. */
import { mixedNames } from '../load-rows.js';
import type { BesideFigures, MixedResults, SizeResults, SizeRow } from '../results.js';
import { megabytesPerSecond } from '../size-goals.js';
import { cores, microseconds, rate, ratio } from './format.js';
import type { Section } from './sections.js';

const titles = { echo: 'The rate by size: echo of one string', sum: 'The rate by size: sums of doubles' } as const;

/** One table for each operation: MB/s of all, and how many times as fast as each peer trama is. */
export function sizeSections({ rounds, secondsPerMeasurement, rows }: SizeResults): Section[] {
  return (['echo', 'sum'] as const).flatMap((op) => {
    const own = rows.filter((row) => row.op === op);
    return own.length === 0 ? [] : [sizeSection(titles[op], rounds, secondsPerMeasurement, own)];
  });
}

function sizeSection(title: string, rounds: number, seconds: number, rows: readonly SizeRow[]): Section {
  const peers = [...new Set(rows.flatMap(({ cells }) => cells.slice(1).map(({ peer }) => peer)))];
  return {
    title,
    notes: [
      `MB/s of requests. ${rounds} rounds of ${seconds} s, peers in turn; medians. Ratios are trama by the peer.`,
    ],
    header: [
      'size',
      'connections × in flight',
      'trama, MB/s',
      'p99',
      'server cores',
      'generator cores',
      ...peers.flatMap((peer) => [`${peer}, MB/s`, 'ratio']),
    ],
    rows: rows.map((row) => [
      row.size,
      row.name.split(', ').at(-1)!,
      megabytesPerSecond(row, 0).toFixed(0),
      microseconds(row.cells[0]!.p99Us),
      cores(row.cells[0]!.serverCores),
      cores(row.cells[0]!.generatorCores),
      ...peers.flatMap((peer) => peerCells(row, peer)),
    ]),
  };
}

function peerCells(row: SizeRow, peer: string): string[] {
  const index = row.cells.findIndex((cell) => cell.peer === peer);
  return index < 0 ? ['–', '–'] : [megabytesPerSecond(row, index).toFixed(0), ratio(row.cells[index]!.rateRatio)];
}

export function mixedSections({ rounds, streams, connects }: MixedResults): Section[] {
  const sections: Section[] = [];
  const notes = [`${rounds} rounds, alone and beside each other in turn; medians. All share this machine’s cores.`];
  if (streams !== undefined) {
    const line = (work: string, { ratePerSecond, p50Us, p99Us }: BesideFigures, ...rest: [string, string]) => [
      work,
      rate(ratePerSecond),
      microseconds(p50Us),
      microseconds(p99Us),
      ...rest,
    ];
    sections.push({
      title: 'Small frames beside streams of larger ones',
      notes,
      header: ['work', 'rate', 'p50', 'p99', 'rate ratio', 'streams, MB/s'],
      rows: [
        line('echo, 50 × 16, alone', streams.alone, '', ''),
        line(
          mixedNames.streams,
          streams.beside,
          ratio(streams.rateRatio),
          streams.streamsMegabytesPerSecond.toFixed(0),
        ),
      ],
    });
  }
  if (connects !== undefined) {
    sections.push({
      title: 'New connections',
      notes: [...notes, 'Each connection sends one request, gets its reply and is reset; 32 are under way at once.'],
      header: ['work', 'rate', 'ratio'],
      rows: [
        ['connections a second, alone', rate(connects.alonePerSecond), ''],
        [mixedNames.connects, rate(connects.besidePerSecond), ratio(connects.ratio)],
      ],
    });
  }
  return sections;
}
