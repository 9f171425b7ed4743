/** The attacks, what honest clients do meanwhile, and what must hold. */
import type { Attack } from './attack.js';
import { announce } from './kinds/announce.js';
import { burst } from './kinds/burst.js';
import { drip } from './kinds/drip.js';
import { endings } from './kinds/endings.js';
import { endless } from './kinds/endless.js';
import { fastSums } from './kinds/fast-sums.js';
import { type FloodKind, flood, floodFrames } from './kinds/flood.js';
import { type HandshakeEnd, handshakes } from './kinds/handshakes.js';
import { hog } from './kinds/hog.js';
import { announceBodies } from './kinds/http-announce.js';
import { postBodies } from './kinds/http-bodies.js';
import { holdHttp } from './kinds/http-connections.js';
import { dripHttp, type HttpDrip } from './kinds/http-drip.js';
import { getPages } from './kinds/http-pages.js';
import { neverRead } from './kinds/never-read.js';
import { readSlowly } from './kinds/read-slowly.js';
import { resets } from './kinds/resets.js';
import { slowSums } from './kinds/slow-sums.js';
import { stuck } from './kinds/stuck.js';
import { announceTooLarge } from './kinds/too-large.js';
import { wrongTokens } from './kinds/wrong-tokens.js';

export interface Bounds {
  /** Honest p99 while the attack goes on, in milliseconds. */
  readonly echoP99MsMax?: number;
  readonly operationP99MsMax?: number;
  /** Honest p99 of every kind while the attack goes on, by that without it. */
  readonly p99GainMax?: number;
  /** By how much the slowest honest echo may be slower than without the attack, in milliseconds. */
  readonly worstEchoGainMsMax?: number;
  /** Resident memory over that of the idle server, in bytes. */
  readonly gainedBytesMax?: number;
  /** Resident memory some seconds after the attack, over that of the idle server, in bytes. */
  readonly keptBytesMax?: number;
  /** The rate of honest large sums by that without the attack. */
  readonly sumRateShareMin?: number;
  /** Honest requests of a kind that were answered `ok`, of those that were answered or lost. */
  readonly okShareMin?: Partial<Record<'echo' | 'operation' | 'sum' | 'call' | 'metrics', number>>;
  /** The attacker's connections that are open at the end, of those that it made. */
  readonly openShareMin?: number;
  /** From SIGTERM to the exit, in milliseconds. */
  readonly exitMsMax?: number;
}

export interface AttackCase {
  readonly name: string;
  readonly attack: Attack;
  /** Options of the server, besides its operations and ports. */
  readonly serverArgs?: readonly string[];
  /** The honest clients have a token, and nobody comes in without one. */
  readonly asksForTokens?: boolean;
  /** It has a port for TLS as well, over which honest clients call users' operations. */
  readonly hasTls?: boolean;
  /** Honest large sums: ten a second, or one after the other as fast as they are answered; or ten that need a place. */
  readonly sums?: 'paced' | 'again' | 'in parts';
  /** How long it must go on to show anything, if longer than the others. */
  readonly secondsMin?: number;
  readonly bounds: Bounds;
}

const mib = 1024 * 1024;
const largeBodyBytes = 16 * mib;
/** The default of `--max-held-bytes`, and what the process may take besides. */
const heldBounds: Bounds = { gainedBytesMax: 256 * mib + 100e6 };
const responsive: Bounds = { echoP99MsMax: 20, operationP99MsMax: 100 };
export const drainMs = 2_000;

/** Nothing of honest clients is lost, none of them waits much longer, and the server's memory is bounded. */
const unnoticed: Bounds = {
  okShareMin: { echo: 1, operation: 1, sum: 1, call: 1, metrics: 1 },
  p99GainMax: 2,
  ...heldBounds,
  keptBytesMax: 100e6,
};
const rubbish: readonly FloodKind[] = ['bad JSON', 'length 0'];

const floods = (Object.keys(floodFrames) as FloodKind[]).map((kind): AttackCase => {
  const bounds = rubbish.includes(kind) ? { ...responsive, ...unnoticed } : responsive;
  return { name: `flood of ${kind}`, attack: flood(kind), bounds };
});

const bursts = (['$ops', '$cancel', 'unknown names'] as const).map((kind): AttackCase => {
  return { name: `bursts of 8 MiB of ${kind}`, attack: burst(kind, 8 * mib), bounds: responsive };
});

const tlsFloods = (['begun', 'finished'] satisfies HandshakeEnd[]).map((where): AttackCase => {
  const bounds = { ...unnoticed, p99GainMax: 4 };
  return { name: `TLS handshakes ${where} and left`, attack: handshakes(64, where), hasTls: true, bounds };
});

const loops = [2, 200].map((calls): AttackCase => {
  const bounds = { sumRateShareMin: 0.5 };
  return { name: `${calls} endless loops`, attack: endless(calls), sums: 'again', bounds };
});

const httpHolders = (['silent', 'half a request', 'garbage', 'kept alive', 'half open'] as const).map(
  (holder): AttackCase => {
    const bounds = { ...responsive, ...unnoticed };
    return { name: `1,024 HTTP connections, ${holder}`, attack: holdHttp(1024, holder), bounds };
  },
);

const httpDrips = (['head', 'body'] satisfies HttpDrip[]).map((part): AttackCase => {
  const bounds = { ...responsive, ...unnoticed };
  return {
    name: `1,000 HTTP connections that drip the ${part} of a request`,
    attack: dripHttp(1000, part, 200),
    bounds,
  };
});

const slowSenders = [16, 64].map((connections): AttackCase => {
  const bounds = unnoticed;
  return {
    name: `${connections} large sums at 40 KB/s`,
    attack: slowSums(connections, 40e3),
    sums: 'in parts',
    bounds,
  };
});

export const attackCases: readonly AttackCase[] = [
  ...floods,
  ...bursts,
  {
    name: '2,100 frames of 16 MiB announced, 5 bytes sent',
    attack: announce(2100, largeBodyBytes, 5),
    bounds: { ...heldBounds, okShareMin: { sum: 1, operation: 1 } },
  },
  {
    name: '1,000 frames of 16 MiB announced, 1 MiB sent',
    attack: announce(1000, largeBodyBytes, mib),
    bounds: unnoticed,
  },
  { name: '400 connections that never read', attack: neverRead(400), bounds: unnoticed },
  {
    name: '4 readers of 11 MB at 20 KB/s',
    attack: readSlowly(4, 11e6, 20e3),
    serverArgs: ['--frame-timeout-ms', '10000'],
    secondsMin: 45,
    bounds: { openShareMin: 1 },
  },
  ...slowSenders,
  {
    name: '5,000 connections that send a byte every 200 ms',
    attack: drip(5000, 200),
    secondsMin: 40,
    bounds: unnoticed,
  },
  { name: 'connections that are reset at once', attack: resets(16), bounds: unnoticed },
  { name: 'frames of 2³²−1 bytes announced', attack: announceTooLarge(16), bounds: unnoticed },
  { name: 'wrong tokens from ever new addresses', attack: wrongTokens(64), asksForTokens: true, bounds: unnoticed },
  { name: '4 streams of large sums', attack: fastSums(4, 256 * mib), bounds: responsive },
  ...loops,
  {
    name: '100 cancels and deadlines a second',
    attack: endings(100, ['cancel', 'deadline']),
    bounds: { okShareMin: { operation: 0.9, sum: 0.9 } },
  },
  {
    name: '1,000 cancels a second',
    attack: endings(1000, ['cancel']),
    bounds: unnoticed,
  },
  {
    name: '100 cancels, deadlines and resets a second',
    attack: endings(100, ['cancel', 'deadline', 'reset']),
    bounds: { okShareMin: { operation: 0.9, sum: 0.9 } },
  },
  {
    name: '1,026 slow calls of another operation',
    attack: hog(1026, 200, 'wait'),
    bounds: { okShareMin: { operation: 1 } },
  },
  {
    name: '4 threads in a system call',
    attack: stuck(4),
    serverArgs: ['--workers', '2'],
    bounds: { okShareMin: { echo: 1 }, exitMsMax: drainMs + 3_000 },
  },
  ...httpHolders,
  ...httpDrips,
  ...tlsFloods,
  {
    name: '16 POSTs of 16 MiB announced, nothing sent',
    attack: announceBodies(16, largeBodyBytes - 1024),
    bounds: { okShareMin: { operation: 1, sum: 1 } },
  },
  { name: '16 chunked POSTs, nothing sent', attack: announceBodies(16, 'chunked'), bounds: responsive },
  { name: 'POSTs of 16 MiB, sum', attack: postBodies('sum', largeBodyBytes, 1), bounds: { worstEchoGainMsMax: 5 } },
  { name: 'POSTs of 16 MiB, echo', attack: postBodies('echo', largeBodyBytes, 1), bounds: { worstEchoGainMsMax: 5 } },
  { name: '4 POSTs of 16 MiB at once, sum', attack: postBodies('sum', largeBodyBytes, 4), bounds: heldBounds },
  { name: '/openapi.json over 4 connections', attack: getPages('/openapi.json', 4), bounds: responsive },
  { name: '/metrics over 4 connections', attack: getPages('/metrics', 4), bounds: responsive },
];

/** @throws Error where there is no such attack */
export function attackNamed(name: string): AttackCase {
  const found = attackCases.find((each) => each.name === name);
  if (found === undefined) throw new Error(`no attack "${name}"`);
  return found;
}
