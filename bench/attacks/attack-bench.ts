/**
 * Honest clients beside an attacker, attack by attack, each on a server of its own: what they meet with before it, and
 * while it goes on; what the server's memory comes to; whether it works again afterwards; and how it ends.
 *
 * Server, honest clients and attacker are processes of their own and share this machine's cores.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { createToken } from '../create-token.js';
import { makePair } from '../edge/certificate.js';
import { residentBytes } from '../process-figures.js';
import type { AttackFigures, AttackResults, AttackRow, HonestByKind } from '../results.js';
import { type AttackCase, drainMs } from './attacks.js';
import { type Child, startAttacker, startHonest, startServer } from './children.js';
import type { HonestReport } from './honest.js';
import { outcomesOf } from './outcomes.js';

export interface AttackTimes {
  /** The server's command line entry. */
  readonly serverMain: string;
  readonly settleMs: number;
  readonly calmMs: number;
  readonly attackMs: number;
  /** Whether an attack that needs longer gets it. */
  readonly isWhole: boolean;
  readonly afterMs: number;
}

export interface AttackPlan extends AttackTimes {
  readonly cases: readonly AttackCase[];
}

const sampleMs = 20;
/** Buffers that nothing uses are kept for ten seconds. */
const backMsMax = 20_000;
/** How long a server may take to exit before it is killed. */
const exitMsMax = 20_000;

export async function benchAttacks(plan: AttackPlan, tell: (line: string) => void): Promise<AttackResults> {
  const rows: AttackRow[] = [];
  for (const [index, each] of plan.cases.entries()) {
    tell(`attack ${index + 1} of ${plan.cases.length}: ${each.name}`);
    const figures = await measureAttack(plan, each);
    rows.push({ name: each.name, ...figures, outcomes: outcomesOf(each.bounds, figures) });
  }
  return { rows, calmSeconds: plan.calmMs / 1000, attackSeconds: plan.attackMs / 1000 };
}

/** One attack, on a server of its own. */
export async function measureAttack(
  plan: AttackTimes,
  { name, serverArgs = [], asksForTokens = false, hasTls = false, sums = 'paced', secondsMin = 0, bounds }: AttackCase,
): Promise<AttackFigures> {
  const folder = await mkdtemp(join(tmpdir(), 'trama-attack-'));
  const tokens = join(folder, 'tokens.json');
  const token = asksForTokens ? await createToken(plan.serverMain, tokens) : undefined;
  const access = asksForTokens ? ['--auth', 'required', '--tokens', tokens] : [];
  const pair = hasTls ? await makePair(folder) : undefined;
  const tls = pair === undefined ? [] : ['--tls-port', '0', '--tls-cert', pair.certificate, '--tls-key', pair.key];
  const args = ['--drain-ms', `${drainMs}`, ...access, ...tls, ...serverArgs];
  const server = await startServer(plan.serverMain, args);
  const honest: Child<HonestReport>[] = [];
  try {
    const target = { ...server, token };
    await sleep(plan.settleMs);
    const idleBytes = residentBytes(server.pid);
    honest.push(startHonest(target, 'small'), startHonest(target, `sums ${sums}`));
    await sleep(plan.settleMs);
    await report(honest);
    await sleep(plan.calmMs);
    const calm = await report(honest);
    const peak = watchMemory(server.pid);
    const attacker = await startAttacker(server, name);
    await report(honest);
    await sleep(plan.isWhole ? Math.max(plan.attackMs, secondsMin * 1000) : plan.attackMs);
    const during = await report(honest);
    const attackerCounted = await attacker.ask();
    await attacker.end();
    await sleep(plan.afterMs);
    await report(honest);
    await sleep(plan.afterMs);
    const after = await report(honest);
    const peakBytes = peak();
    const afterBytes = await memoryAfter(server.pid, (idleBytes ?? 0) + (bounds.keptBytesMax ?? 0));
    await Promise.all(honest.splice(0).map((each) => each.end()));
    const exit = await server.stop(exitMsMax);
    return { idleBytes, peakBytes, afterBytes, calm, during, after, attackerCounted, exit };
  } finally {
    await Promise.all(honest.map((each) => each.end()));
    await server.stop(exitMsMax);
    await rm(folder, { recursive: true, force: true });
  }
}

async function report(honest: readonly Child<HonestReport>[]): Promise<HonestByKind> {
  const reports = await Promise.all(honest.map((each) => each.ask()));
  return Object.assign({}, ...reports) as HonestByKind;
}

/** What the server's memory comes to: it may take some seconds to give back what it keeps for the next client. */
async function memoryAfter(pid: number, boundBytes: number): Promise<number | undefined> {
  const deadlineMs = performance.now() + backMsMax;
  while ((residentBytes(pid) ?? 0) > boundBytes && performance.now() < deadlineMs) await sleep(sampleMs);
  return residentBytes(pid);
}

/** @returns ends the watch and gives the most that was seen */
function watchMemory(pid: number): () => number | undefined {
  let peakBytes: number | undefined;
  const look = () => {
    const bytes = residentBytes(pid);
    if (bytes !== undefined) peakBytes = Math.max(peakBytes ?? 0, bytes);
  };
  const sampler = setInterval(look, sampleMs);
  return () => {
    clearInterval(sampler);
    look();
    return peakBytes;
  };
}
