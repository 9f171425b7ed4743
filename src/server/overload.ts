/**
 * Is the server overloaded, and how badly? Two stages, each with signs of its own, and the way back.
 *
 *     0 ──shed for a second──▶ 1 ──refuse for a second──▶ 2
 *     0 ◀──calm for two── 1 ◀──calm for two── 2
 *
 * 1: new work is shed; 2: new connections are refused, too. Each sign is looked at by the *least* that was seen of it in a
 * second: a burst passes, and what stands for a second is more than the server can do (the minimum over an interval, after
 * Nichols and Jacobson, "Controlling Queue Delay", 2012). A stage is left when each sign has been well under what it was
 * entered at, so that it does not come and go.
 *
 * Left to others: what is shed (`requests/admission.ts`) and who is refused (`channel/connection-places.ts`).
 */
import { type IntervalHistogram, monitorEventLoopDelay } from 'node:perf_hooks';
import type { OperationLog } from '../ops/define-operation.js';

export type OverloadStage = 0 | 1 | 2;

/** What the server is measured by, at one moment. */
export interface Load {
  /** The part of the bytes that may be held, 0 to 1. */
  readonly heldRatio: number;
  /** The part of the requests that may be in flight, 0 to 1. */
  readonly requestsRatio: number;
}

/** The least of each within a second, and how long at the least a turn of the event loop took. */
export interface LoadOfSecond extends Load {
  readonly delayMs: number;
}

type Sign = keyof LoadOfSecond;
type Signs = Readonly<Record<Sign, number>>;

/** How often the ratios are looked at. */
const lookMs = 100;
const looksPerSecond = 10;
/** Seconds of calm after which a stage is left. */
const calmSeconds = 2;
/** How fine the delay of the loop is measured: it wakes the process so often. */
const resolutionMs = 50;
/** Whoever is refused may come back after so long: the server may be out of the stage by then. */
const retryAfterMs = 2000;

/**
 * The last sixteenth of the bytes is for small requests only. Half of it gone: more is held than a crowd with large frames
 * can hold. Three quarters: even the small ones are too many.
 */
const heldAt = { shed: 31 / 32, refuse: 63 / 64, calm: 15 / 16 };
const requestsAt = { shed: 7 / 8, refuse: 31 / 32, calm: 3 / 4 };
/** By the delay at which work is shed. */
const delayFactors = { shed: 1, refuse: 4, calm: 1 / 2 };

export class Overload {
  readonly retryAfterMs: number = retryAfterMs;
  readonly #log: Pick<OperationLog, 'info' | 'warn'>;
  readonly #shed: Signs;
  readonly #refuse: Signs;
  readonly #calm: Signs;
  #stage: OverloadStage = 0;
  #calmFor = 0;

  /** @param delayMs of the event loop, at which work is shed; 0: that is no sign */
  constructor(delayMs: number, log: Pick<OperationLog, 'info' | 'warn'>) {
    this.#log = log;
    const signs = (level: keyof typeof delayFactors): Signs => ({
      heldRatio: heldAt[level],
      requestsRatio: requestsAt[level],
      delayMs: delayMs === 0 ? Number.POSITIVE_INFINITY : delayMs * delayFactors[level],
    });
    this.#shed = signs('shed');
    this.#refuse = signs('refuse');
    this.#calm = signs('calm');
  }

  get stage(): OverloadStage {
    return this.#stage;
  }

  /** To be told once a second. */
  note(load: LoadOfSecond): void {
    const sign = this.#stage === 0 ? reached(load, this.#shed) : reached(load, this.#refuse);
    if (sign !== undefined && this.#stage < 2) {
      this.#enter((this.#stage + 1) as OverloadStage, load, sign);
      return;
    }
    this.#calmFor = reached(load, this.#calm) === undefined ? this.#calmFor + 1 : 0;
    if (this.#stage > 0 && this.#calmFor >= calmSeconds)
      this.#enter((this.#stage - 1) as OverloadStage, load, undefined);
  }

  #enter(stage: OverloadStage, load: LoadOfSecond, sign: Sign | undefined): void {
    const told = { stage, sign, ...load };
    // No more than a line a second, since no more is noted.
    if (stage > this.#stage) {
      this.#log.warn(told, stage === 1 ? 'overload: new work is shed' : 'overload: new connections are refused');
    } else this.#log.info(told, stage === 1 ? 'overload: connections are taken again' : 'the overload is over');
    this.#stage = stage;
    this.#calmFor = 0;
  }
}

function reached(load: LoadOfSecond, bounds: Signs): Sign | undefined {
  return (Object.keys(bounds) as Sign[]).find((sign) => load[sign] >= bounds[sign]);
}

/** Looks at the load of an I/O thread, and tells what came of each second. */
export class LoadWatch {
  readonly #look: () => Load;
  readonly #tell: (load: LoadOfSecond) => void;
  readonly #delay: IntervalHistogram = monitorEventLoopDelay({ resolution: resolutionMs });
  readonly #timer: NodeJS.Timeout;
  #looks = 0;
  #least: Load = nothingSeen;

  constructor(look: () => Load, tell: (load: LoadOfSecond) => void) {
    this.#look = look;
    this.#tell = tell;
    this.#delay.enable();
    this.#timer = setInterval(() => this.#lookOnce(), lookMs).unref();
  }

  close(): void {
    clearInterval(this.#timer);
    this.#delay.disable();
  }

  #lookOnce(): void {
    const now = this.#look();
    this.#least = {
      heldRatio: Math.min(this.#least.heldRatio, now.heldRatio),
      requestsRatio: Math.min(this.#least.requestsRatio, now.requestsRatio),
    };
    this.#looks++;
    if (this.#looks < looksPerSecond) return;
    // Before anything was measured, the least is huge.
    const leastMs = this.#delay.count === 0 ? 0 : this.#delay.min / 1e6 - resolutionMs;
    this.#tell({ ...this.#least, delayMs: Math.max(0, Math.round(leastMs)) });
    this.#delay.reset();
    this.#least = nothingSeen;
    this.#looks = 0;
  }
}

const nothingSeen: Load = { heldRatio: Number.POSITIVE_INFINITY, requestsRatio: Number.POSITIVE_INFINITY };
