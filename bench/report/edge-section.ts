/** The table of what TLS and tokens cost. */
import type { EdgeResults, EdgeRow } from '../results.js';
import { rate, ratio } from './format.js';
import type { Section } from './sections.js';

export function edgeSection({ rounds, secondsPerMeasurement, rows, leftOut }: EdgeResults): Section {
  return {
    title: 'What TLS and tokens cost',
    notes: [
      `${rounds} rounds of ${secondsPerMeasurement} s, both in turn; medians. Ratios are the first by the second, the median of each round’s own.`,
      'Processor time is the server’s, for a MiB of requests. Handshakes are those of `openssl s_time -new`, one after the other. Memory is what resident memory gains by 10,000 connections that have sent one request.',
      ...leftOut.map(({ name, why }) => `Left out: ${name} (${why}).`),
    ],
    header: ['what', 'the first', 'the second', 'ratio'],
    rows: rows.map((row) => [row.name, figure(row, row.own), figure(row, row.other), ratio(row.ratio)]),
  };
}

function figure({ unit }: EdgeRow, value: number): string {
  if (unit === 'a second') return rate(value);
  return `${value.toFixed(2)} ${unit === 'KiB' ? 'KiB' : 'ms'}`;
}
