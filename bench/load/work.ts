/** What a load run is asked to do and what it found: plain data, shared by the generators and the report. */

/** One row of the load benchmark. */
export interface Work {
  readonly name: string;
  /** `quick` is an operation of a module: see bench/attacks/operations.ts. */
  readonly op: 'echo' | 'sum' | 'quick';
  /** JSON text of the request's `data`. */
  readonly data: string;
  readonly connections: number;
  /** Requests in flight on each connection. */
  readonly depth: number;
  /** The only ones that are measured beside trama; all that have the operation where nothing is said. */
  readonly peers?: readonly string[];
}

/** `frames`: the protocol of docs/protocol.md. `resp`: Redis. */
export type Wire = 'frames' | 'resp';

export interface Timing {
  readonly seconds: number;
  readonly warmupSeconds: number;
}

export interface Measurement {
  /** Replies a second, all of them checked. */
  readonly ratePerSecond: number;
  /** From the moment the request was handed to the socket to the moment its reply was read. */
  readonly p50Us: number;
  readonly p99Us: number;
  readonly replies: number;
}

/** A program that makes load. It throws where the peer answers anything but what was asked. */
export interface LoadGenerator {
  readonly name: string;
  measure(port: number, wire: Wire, work: Work, timing: Timing): Promise<Measurement>;
}
