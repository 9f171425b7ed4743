/** The shape of `bench/results/*.json`. Plain data; every figure carries its unit in its name. */
import type { Machine } from './machine.js';

export interface BenchResults {
  readonly date: string;
  readonly command: string;
  readonly smoke: boolean;
  readonly machine: Machine;
  /** The version of the sources that were measured, as git names it, a `+` where they were changed since; absent without git. */
  readonly revision?: string;
  readonly engine?: EngineResults;
  readonly load?: LoadResults;
  readonly bulk?: BulkResults;
  readonly edge?: EdgeResults;
  readonly attacks?: AttackResults;
}

/** Something that was to be reached, and whether it was. */
export interface GoalOutcome {
  readonly text: string;
  readonly measured: string;
  readonly reached: boolean;
}

export interface EngineResults {
  readonly rows: readonly EngineRow[];
  /** Of simdjson, where it was measured. */
  readonly simdjsonVersion?: string;
  /** Yardsticks that could not be measured. */
  readonly leftOut: readonly LeftOut[];
}

export interface LeftOut {
  readonly name: string;
  readonly why: string;
}

/** One case of the engine alone, beside JavaScript on the same bytes. */
export interface EngineRow {
  readonly group: 'echo' | 'sum' | 'upper';
  readonly name: string;
  readonly frameBytes: number;
  readonly engine: EngineFigures;
  readonly javascript: EngineFigures;
  /** How many times as fast as JavaScript the engine is: the median over the rounds, of a sum that of the fastest calls. */
  readonly ratio: number;
  /** The native yardstick of a sum, where it is installed. */
  readonly simdjson?: { readonly megabytesPerSecond: number; readonly ratio: number };
}

/** Of a sum, the fastest call of all rounds; of others, the mean of all calls, the median over the rounds. */
export interface EngineFigures {
  readonly nsPerFrame: number;
  readonly megabytesPerSecond: number;
}

export interface LoadResults {
  /** The generator, and what compiled it where it is the one in C. */
  readonly generator: string;
  readonly rounds: number;
  readonly secondsPerMeasurement: number;
  readonly peers: readonly { readonly name: string; readonly what: string; readonly version?: string }[];
  /** Peers, or a peer's row, that could not be measured. */
  readonly leftOut: readonly LeftOut[];
  readonly rows: readonly LoadRow[];
  readonly processes: readonly ProcessFigures[];
  /** The same work by size. */
  readonly sizes?: SizeResults;
  readonly mixed?: MixedResults;
}

export interface SizeResults {
  readonly rounds: number;
  readonly secondsPerMeasurement: number;
  readonly rows: readonly SizeRow[];
}

export interface SizeRow extends LoadRow {
  readonly op: 'echo' | 'sum';
  readonly size: string;
  /** Bytes of the string, or numbers. */
  readonly count: number;
}

/** What one kind of work leaves to another, on trama. */
export interface MixedResults {
  readonly rounds: number;
  readonly streams?: {
    readonly alone: BesideFigures;
    readonly beside: BesideFigures;
    /** The median of each round's own ratio. */
    readonly rateRatio: number;
    /** Of the requests of all streams together, while the small frames ran beside them. */
    readonly streamsMegabytesPerSecond: number;
  };
  readonly connects?: {
    readonly alonePerSecond: number;
    readonly besidePerSecond: number;
    /** The median of each round's own ratio. */
    readonly ratio: number;
  };
}

export interface LoadRow {
  readonly name: string;
  readonly requestBytes: number;
  readonly cells: readonly LoadCell[];
}

/** One peer in one row. The figures are medians over the rounds; the ratios are medians of each round's own ratio. */
export interface LoadCell {
  readonly peer: string;
  readonly ratePerSecond: number;
  readonly p50Us: number;
  readonly p99Us: number;
  /** trama's rate by this peer's; 1 for trama itself. */
  readonly rateRatio: number;
  /** trama's latency by this peer's. */
  readonly p50Ratio: number;
  readonly p99Ratio: number;
  /** Cores that the server kept busy, and the generator; absent where the system does not tell. */
  readonly serverCores?: number;
  readonly generatorCores?: number;
}

export interface ProcessFigures {
  readonly peer: string;
  /** Milliseconds from spawn to the first reply: the median of several starts. */
  readonly firstReplyMs: number;
  readonly idleBytes?: number;
  /** Resident memory after `frames` frames. */
  readonly loadedBytes?: number;
  readonly frames: number;
}

/** Frames that are answered in parts, in constant memory. */
export interface BulkResults {
  readonly rounds: number;
  /** What numbers the frames are made of. */
  readonly shape: string;
  readonly frame: LargeFrameRow;
  readonly beside: SmallBesideLarge;
}

/** One large frame at a time. Medians over the rounds, but for the memory. */
export interface LargeFrameRow {
  readonly bodyBytes: number;
  /** From the first byte sent to the reply. */
  readonly seconds: number;
  readonly megabytesPerSecond: number;
  /** The engine on a thread of its own, with the same numbers, without a server. */
  readonly engineMegabytesPerSecond: number;
  /** The server's rate by the engine's: the median of each round's own ratio. */
  readonly ratio: number;
  /** Resident memory before the first frame, and the most that was seen while frames streamed. */
  readonly idleBytes?: number;
  readonly peakBytes?: number;
  readonly serverCores?: number;
}

/** Small frames alone, and beside large sums that stream meanwhile. */
export interface SmallBesideLarge {
  readonly name: string;
  readonly sums: number;
  readonly sumBytes: number;
  readonly alone: BesideFigures;
  readonly beside: BesideFigures;
  /** The rate beside the sums by the rate alone: the median of each round's own ratio. */
  readonly rateRatio: number;
  /** What all the sums moved meanwhile, and after the load until the last was answered. */
  readonly sumsMegabytesPerSecond: number;
}

export interface BesideFigures {
  readonly ratePerSecond: number;
  readonly p50Us: number;
  readonly p99Us: number;
}

/** What TLS and tokens cost. */
export interface EdgeResults {
  readonly rounds: number;
  readonly secondsPerMeasurement: number;
  readonly rows: readonly EdgeRow[];
  readonly leftOut: readonly LeftOut[];
}

/** trama in one way beside itself in another, or beside a peer. Medians over the rounds. */
export interface EdgeRow {
  readonly name: EdgeName;
  readonly unit: 'a second' | 'ms of processor time for a MiB' | 'KiB';
  readonly own: number;
  readonly other: number;
  /** `own` by `other`: the median of each round's own ratio. */
  readonly ratio: number;
}

export type EdgeName =
  | 'echo, 50 × 16, with tokens required, by without'
  | 'echo, 50 × 16, over TLS, by plain'
  | 'echo, 50 × 128, over TLS, by plain'
  | 'a large sum over TLS, by plain'
  | 'echo, 50 × 16, over TLS, by plain Node over TLS'
  | 'full TLS handshakes, by plain Node'
  | 'memory of an idle connection, by plain Node'
  | 'memory of an idle connection over TLS, by plain Node'
  | 'echo, 50 × 16, beside 10,000 idle connections, by without'
  | FairName;

/** One identity's work beside another one's, which floods. */
export type FairName =
  | 'echo, 1 × 16, beside a flood of somebody else, by without'
  | 'echo, 8 × 16, beside a flood of somebody else, by without'
  | 'a user’s operation, 1 × 16, beside a flood of it by somebody else, by without'
  | 'sum of 490 KB, 1 × 2, beside a flood of them by somebody else, by without';

/** Honest clients beside attackers, and a shutdown in the middle of a crowd. */
export interface AttackResults {
  readonly calmSeconds: number;
  readonly attackSeconds: number;
  readonly rows: readonly AttackRow[];
  readonly bursts?: BurstResults;
}

export interface AttackRow extends AttackFigures {
  readonly name: string;
  readonly outcomes: readonly GoalOutcome[];
}

export interface AttackFigures {
  /** Resident memory of the server before any client, and the most that was seen from the attack's start on. */
  readonly idleBytes?: number | undefined;
  readonly peakBytes?: number | undefined;
  /** Some seconds after the attack's end. */
  readonly afterBytes?: number | undefined;
  readonly calm: HonestByKind;
  readonly during: HonestByKind;
  /** Some seconds after the attack's end. */
  readonly after: HonestByKind;
  readonly attackerCounted: Readonly<Record<string, number>>;
  /** How the server ended after SIGTERM: its exit status, or the signal that killed it. */
  readonly exit: { readonly status: number | string; readonly ms: number };
}

export type HonestByKind = Readonly<Record<'echo' | 'operation' | 'sum' | 'call' | 'metrics', HonestFigures>>;

/** What honest requests of one kind met with in a time. */
export interface HonestFigures {
  readonly answered: number;
  readonly ok: number;
  /** Answered with an error, by its code; and `lost`: the connection ended first. */
  readonly failed: Readonly<Record<string, number>>;
  /** Without an answer at the end of the time; they count in the percentiles with their age. */
  readonly waiting: number;
  /** Of those that wait, how many have waited so long that they count as failed. */
  readonly overdue: number;
  /** Answered `ok`. */
  readonly ratePerSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly worstMs: number;
}

/** How the clients of all bursts ended. */
export interface BurstResults {
  readonly bursts: number;
  readonly clients: number;
  readonly requests: number;
  /** Every request has its reply. */
  readonly answered: number;
  /** Not connected, so that nothing of theirs was lost. */
  readonly refused: number;
  /** Connected, and without some of their replies. */
  readonly reset: number;
  /** Servers that did not exit with status 0. */
  readonly badExits: number;
}
