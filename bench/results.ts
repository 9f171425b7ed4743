/** The shape of `bench/results/latest.json`. Plain data; every figure carries its unit in its name. */
import type { Machine } from './machine.js';

export interface BenchResults {
  readonly date: string;
  readonly command: string;
  readonly smoke: boolean;
  readonly machine: Machine;
  readonly engine?: EngineResults;
  readonly load?: LoadResults;
  readonly bulk?: BulkResults;
}

export interface EngineResults {
  readonly rows: readonly EngineRow[];
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
  readonly generator: string;
  readonly rounds: number;
  readonly secondsPerMeasurement: number;
  readonly peers: readonly { readonly name: string; readonly what: string }[];
  /** Peers, or a peer's row, that could not be measured. */
  readonly leftOut: readonly LeftOut[];
  readonly rows: readonly LoadRow[];
  readonly processes: readonly ProcessFigures[];
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
  /** What all the sums moved meanwhile, and behind the load until the last was answered. */
  readonly sumsMegabytesPerSecond: number;
}

export interface BesideFigures {
  readonly ratePerSecond: number;
  readonly p50Us: number;
  readonly p99Us: number;
}
