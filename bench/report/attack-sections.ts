/** The attacks as tables: what honest clients met with before and during each. */
import type { AttackResults, AttackRow, BurstResults, HonestByKind, HonestFigures } from '../results.js';
import { megabytes } from './format.js';
import type { Section } from './sections.js';

export function attackSections({ rows, bursts, calmSeconds, attackSeconds }: AttackResults): Section[] {
  const sections: Section[] = [];
  if (rows.length > 0) {
    sections.push({
      title: 'Under attack',
      notes: [
        `Honest clients before (${calmSeconds} s) and during (${attackSeconds} s) each attack; each attack on a server of its own. Server, clients and attacker share the cores.`,
        'p99 in ms, of requests at a steady pace; those without an answer count with their age. Failed: of all honest requests, with an error or without an answer.',
        'Memory is resident memory of the server: idle, the most that was seen from the attack’s start on, and afterwards.',
      ],
      header: [
        'attack',
        'echo',
        'operation',
        'large sum',
        'HTTP call',
        '/metrics',
        'sums a second',
        'failed',
        'memory',
        'afterwards',
        'exit',
      ],
      rows: rows.map(attackLine),
    });
  }
  if (bursts !== undefined) sections.push(burstSection(bursts));
  return sections;
}

function attackLine({ name, calm, during, after, idleBytes, peakBytes, afterBytes, exit }: AttackRow): string[] {
  const p99 = (kind: keyof HonestByKind) => change(calm[kind].p99Ms, during[kind].p99Ms);
  return [
    name,
    p99('echo'),
    p99('operation'),
    p99('sum'),
    p99('call'),
    p99('metrics'),
    change(calm.sum.ratePerSecond, during.sum.ratePerSecond),
    failures(during),
    `${megabytes(idleBytes)} → ${megabytes(peakBytes)} → ${megabytes(afterBytes)}`,
    afterwards(after),
    `${exit.status}, ${(exit.ms / 1000).toFixed(1)} s`,
  ];
}

function change(before: number, now: number): string {
  return `${figure(before)} → ${figure(now)}`;
}

function figure(value: number): string {
  return value.toFixed(value < 10 ? 1 : 0);
}

function failures(honest: HonestByKind): string {
  const told = Object.entries(honest).flatMap(([kind, figures]) => {
    const what = failuresOf(figures);
    return what === '' ? [] : [`${kind}: ${what}`];
  });
  return told.join('; ') || '–';
}

/** Whether the server works again. */
function afterwards(honest: HonestByKind): string {
  const silent = Object.entries(honest).filter(([, { ok }]) => ok === 0);
  if (silent.length > 0) return `no answer: ${silent.map(([kind]) => kind).join(', ')}`;
  const failed = failures(honest);
  return failed === '–' ? 'ok' : failed;
}

function failuresOf({ failed, overdue, answered }: HonestFigures): string {
  const parts = Object.entries(failed).map(([code, count]) => `${count} ${code}`);
  if (overdue > 0) parts.push(`${overdue} overdue`);
  return parts.length === 0 ? '' : `${parts.join(', ')} of ${answered + overdue}`;
}

function burstSection({ bursts, clients, requests, answered, refused, reset, badExits }: BurstResults): Section {
  return {
    title: 'Shutdown in a crowd',
    notes: [`${clients} clients connect at once and send ${requests} requests each; SIGTERM comes 20 ms later.`],
    header: ['shutdowns', 'clients answered', 'refused', 'without some replies', 'exits not 0'],
    rows: [[bursts, answered, refused, reset, badExits].map((count) => count.toLocaleString('en'))],
  };
}
