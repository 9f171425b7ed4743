/**
 * A steady load by the client library: on each of its connections as many calls that are idempotent as others. Each other one
 * leaves a mark where it runs, so that afterwards it is certain which ran, and how often.
 */
import { readFileSync } from 'node:fs';
import { type Client, type ConnectOptions, connect } from '../../src/client/index.js';

export interface LoadOptions {
  readonly port: number;
  readonly connections: number;
  /** The file that the operation `mark` appends to. */
  readonly marksFile: string;
  /** On each connection one more call at a time, with so many milliseconds as its limit. */
  readonly hurriedMs?: number | undefined;
  readonly client?: ConnectOptions;
}

export interface LoadReport {
  readonly calls: { readonly idempotent: number; readonly other: number };
  /** Calls that were rejected, by code. */
  readonly failed: {
    readonly idempotent: Readonly<Record<string, number>>;
    readonly other: Readonly<Record<string, number>>;
  };
  /** Of the others that were rejected, those that ran all the same. */
  readonly ranAndFailed: number;
  /** Calls that ran more than once. */
  readonly doubled: number;
  /** Calls that were answered and never ran. */
  readonly missing: number;
  readonly longestMs: number;
  /** Of the calls with a limit of their own, which count nowhere else. */
  readonly hurried: { readonly outcomes: Readonly<Record<string, number>>; readonly longestMs: number };
  /** Times that a client had no connection at all. */
  readonly reconnects: number;
}

/** Calls at once on each connection, of each kind. */
const workers = 2;

type Outcome = 'ok' | string;

export class SteadyLoad {
  readonly #clients: readonly Client[];
  readonly #marksFile: string;
  readonly #hurriedMs: number | undefined;
  readonly #marks = new Map<string, Outcome>();
  readonly #sums: Record<Outcome, number> = {};
  readonly #hurried: Record<Outcome, number> = {};
  #longestHurriedMs = 0;
  /** When each worker's call began, while it is under way. */
  readonly #startedAtMs = new Map<object, number>();
  #longestMs = 0;
  #reconnects = 0;
  #isOver = false;
  #work: Promise<unknown> = Promise.resolve();

  private constructor(clients: readonly Client[], { marksFile, hurriedMs }: LoadOptions) {
    this.#clients = clients;
    this.#marksFile = marksFile;
    this.#hurriedMs = hurriedMs;
  }

  static async begin(options: LoadOptions): Promise<SteadyLoad> {
    const { port, connections, client = {} } = options;
    const clients = await Promise.all(Array.from({ length: connections }, () => connect({ port, ...client })));
    const load = new SteadyLoad(clients, options);
    load.#begin();
    return load;
  }

  /** Calls that have their outcome. */
  get calls(): number {
    return this.#marks.size + Object.values(this.#sums).reduce((sum, count) => sum + count, 0);
  }

  /** Times that a client had no connection at all. */
  get reconnects(): number {
    return this.#reconnects;
  }

  /** Clients that have a connection. */
  get connected(): number {
    return this.#clients.filter(({ state }) => state === 'connected').length;
  }

  /** Milliseconds that the oldest call under way has waited. */
  waitingLongestMs(): number {
    return performance.now() - Math.min(performance.now(), ...this.#startedAtMs.values());
  }

  /** Lets what is under way come to its end, and counts. Each call has its own time limit, so it does not take long. */
  async end(): Promise<LoadReport> {
    this.#isOver = true;
    await this.#work;
    await Promise.all(this.#clients.map((client) => client.close()));
    const runs = new Map<string, number>();
    for (const key of readFileSync(this.#marksFile, 'utf8').split('\n')) runs.set(key, (runs.get(key) ?? 0) + 1);
    const failed: Record<string, number> = {};
    let [ranAndFailed, doubled, missing] = [0, 0, 0];
    for (const [key, outcome] of this.#marks) {
      const count = runs.get(key) ?? 0;
      if (count > 1) doubled++;
      if (outcome === 'ok' && count === 0) missing++;
      if (outcome !== 'ok') failed[outcome] = (failed[outcome] ?? 0) + 1;
      if (outcome !== 'ok' && count > 0) ranAndFailed++;
    }
    const { ok: _, ...sumsFailed } = this.#sums;
    const idempotent = Object.values(this.#sums).reduce((sum, count) => sum + count, 0);
    return {
      calls: { idempotent, other: this.#marks.size },
      failed: { idempotent: sumsFailed, other: failed },
      ranAndFailed,
      doubled,
      missing,
      longestMs: Math.round(this.#longestMs),
      hurried: { outcomes: this.#hurried, longestMs: Math.round(this.#longestHurriedMs) },
      reconnects: this.#reconnects,
    };
  }

  #begin(): void {
    const work = this.#clients.flatMap((client, index) => {
      client.onState(({ state }) => {
        if (state === 'reconnecting') this.#reconnects++;
      });
      const hurriedMs = this.#hurriedMs;
      return [
        ...Array.from({ length: workers }, (_, worker) => [
          this.#repeat(() => this.#sum(client)),
          this.#repeat((round) => this.#mark(client, `${index}-${worker}-${round}`)),
        ]).flat(),
        ...(hurriedMs === undefined ? [] : [this.#hurry(client, hurriedMs)]),
      ];
    });
    this.#work = Promise.all(work);
  }

  async #repeat(call: (round: number) => Promise<void>): Promise<void> {
    for (let round = 0; !this.#isOver; round++) {
      const startMs = performance.now();
      this.#startedAtMs.set(call, startMs);
      await call(round);
      this.#startedAtMs.delete(call);
      this.#longestMs = Math.max(this.#longestMs, performance.now() - startMs);
      await pause();
    }
  }

  async #hurry(client: Client, timeoutMs: number): Promise<void> {
    while (!this.#isOver) {
      const startMs = performance.now();
      const outcome = await outcomeOf(client.call('sum', [1, 2], { timeoutMs }), 3);
      this.#hurried[outcome] = (this.#hurried[outcome] ?? 0) + 1;
      this.#longestHurriedMs = Math.max(this.#longestHurriedMs, performance.now() - startMs);
      await pause();
    }
  }

  async #sum(client: Client): Promise<void> {
    const outcome = await outcomeOf(client.call('sum', [1, 2]), 3);
    this.#sums[outcome] = (this.#sums[outcome] ?? 0) + 1;
  }

  async #mark(client: Client, key: string): Promise<void> {
    this.#marks.set(key, await outcomeOf(client.call('mark', key), key));
  }
}

function pause(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 1 + Math.random() * 4));
}

async function outcomeOf(call: Promise<unknown>, expected: unknown): Promise<Outcome> {
  try {
    return (await call) === expected ? 'ok' : 'another result';
  } catch (error) {
    return (error as { code?: string }).code ?? String(error);
  }
}
