/** Whether what must hold under an attack did hold. */
import type { AttackFigures, GoalOutcome, HonestFigures } from '../results.js';
import type { Bounds } from './attacks.js';

export function outcomesOf(
  bounds: Bounds,
  { calm, during, idleBytes, peakBytes, afterBytes, attackerCounted, exit }: AttackFigures,
): GoalOutcome[] {
  const outcomes: GoalOutcome[] = [];
  const atMost = (what: string, value: number | undefined, bound: number | undefined, unit: string) => {
    if (value === undefined || bound === undefined) return;
    outcomes.push({
      text: `${what} ≤ ${bound} ${unit}`,
      measured: `${rounded(value)} ${unit}`,
      reached: value <= bound,
    });
  };
  const atLeast = (what: string, value: number, bound: number | undefined) => {
    if (bound === undefined) return;
    outcomes.push({ text: `${what} ≥ ${bound}`, measured: value.toFixed(3), reached: value >= bound });
  };
  atMost('p99 of small echoes', during.echo.p99Ms, bounds.echoP99MsMax, 'ms');
  atMost('p99 of users’ operations', during.operation.p99Ms, bounds.operationP99MsMax, 'ms');
  if (bounds.p99GainMax !== undefined) {
    for (const kind of ['echo', 'operation', 'sum', 'call'] as const) {
      atMost(`p99 of ${kind}, by calm`, during[kind].p99Ms / calm[kind].p99Ms, bounds.p99GainMax, '×');
    }
  }
  atMost('slowest echo, over calm', during.echo.worstMs - calm.echo.worstMs, bounds.worstEchoGainMsMax, 'ms');
  if (idleBytes !== undefined && peakBytes !== undefined) {
    const boundMb = bounds.gainedBytesMax === undefined ? undefined : Math.round(bounds.gainedBytesMax / 1e6);
    atMost('resident memory over idle', (peakBytes - idleBytes) / 1e6, boundMb, 'MB');
  }
  if (idleBytes !== undefined && afterBytes !== undefined && bounds.keptBytesMax !== undefined) {
    atMost('resident memory afterwards, over idle', (afterBytes - idleBytes) / 1e6, bounds.keptBytesMax / 1e6, 'MB');
  }
  atLeast('rate of large sums, by calm', during.sum.ratePerSecond / calm.sum.ratePerSecond, bounds.sumRateShareMin);
  for (const [kind, share] of Object.entries(bounds.okShareMin ?? {})) {
    atLeast(`answered ok, ${kind}`, okShare(during[kind as keyof typeof during]), share);
  }
  const { open = 0, connections = 0 } = attackerCounted;
  atLeast('connections still open', open / connections, bounds.openShareMin);
  atMost('exit after SIGTERM', exit.ms, bounds.exitMsMax, 'ms');
  return outcomes;
}

export function okShare({ ok, answered, overdue }: HonestFigures): number {
  const ended = answered + overdue;
  return ended === 0 ? 0 : ok / ended;
}

function rounded(value: number): string {
  return Math.abs(value) < 10 ? value.toFixed(1) : value.toFixed(0);
}
