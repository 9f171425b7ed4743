/**
 * Runs requests, whoever they come from: a TCP connection, the HTTP side, and later durable jobs and a browser's socket.
 * It finds the lane, holds the time, and gives one outcome. How an outcome becomes a reply is the caller's.
 *
 *     data of a user's operation ──▶ a users' thread
 *     a large body ─┬─ a user's ───▶ a users' thread
 *                   └─ any other ──▶ an engine thread ──a user's after all──▶ a users' thread
 *     a sum as it comes ───────────▶ engine threads, part by part
 *
 * Frames of the engine's operations that are not large, and every `echo` whose `op` comes first, never get here: the I/O
 * thread's engine answers them where they stand.
 */

import type { Envelope } from '../../engine/index.js';
import type { WireErrorCode } from '../../errors.js';
import { builtInOperations, unknownOperation } from '../../ops/built-in.js';
import type { OperationInfo } from '../../ops/operation-info.js';
import type { Outcome as PoolOutcome, TaskRunner, ThreadQuota, WholeTask } from '../../pool/task.js';
import type { BulkBody, BulkRequest } from '../bulk/bulk-body.js';
import type { BulkLane } from '../bulk/bulk-lane.js';
import { controlOperations } from './control.js';
import type { EndCode } from './peer.js';
import { dataOf, leftMs, type RequestRecord, readHead, recordOf } from './request.js';
import { noOperation, quote } from './sentences.js';

/** What comes of a request. `frame` is a whole reply that a thread has written; `code` is undefined for an ok reply. */
export type Outcome = Extract<PoolOutcome, { kind: 'frame' | 'result' | 'error' }>;

/** A request on its way, and whoever waits for what comes of it. */
export interface Run {
  readonly request: RequestRecord;
  /** Whom the run is for: those who wait take turns. */
  readonly owner: object;
  /** The threads of users' operations that he may have at once, where that is bounded. */
  readonly quota: ThreadQuota | undefined;
  /** More of the request is known now: it was read to its end. */
  became(request: RequestRecord): void;
  /**
   * Called once, never before the call that began the run has returned, but perhaps by `end`. Without an outcome the run
   * was abandoned: nobody is there to be told.
   */
  settled(outcome: Outcome | undefined): void;
  /** Called once when nobody reads the run's bytes any more, after `settled`. */
  freed(): void;
}

export interface RunHandle {
  end(code: EndCode, message: string): void;
}

/**
 * What becomes of a large body. `streamed`: it goes to the engine threads as it comes. `echoed`: the I/O thread checks it as
 * it comes, and answers it from where it stands. `here`: the I/O thread answers it when it is whole. `held`: a thread of
 * the pool does.
 */
export type BodyWay = 'streamed' | 'echoed' | 'here' | 'held';

/** The first bytes of a body that is answered as it comes. */
export type BodyStart = Pick<BulkRequest, 'start' | 'totalBytes' | 'progressBytes' | 'release' | 'share'>;

export interface ExecutorParts {
  readonly pool: TaskRunner;
  readonly lane: BulkLane;
  /** The longest body that is held in memory. */
  readonly maxFrameBytes: number;
  /** Threads that do the engine's work. */
  readonly workers: number;
}

/**
 * Longer bodies of the engine's operations go to other threads. Up to here the engine takes less time, some 0.2 ms, than a
 * hand-over costs on both sides.
 */
export const hereBytesMax = 256 * 1024;

/**
 * The same for a sum where there are few cores: the threads, the sockets and whoever sends share them, and a hand-over
 * frees nothing. It takes some 0.7 ms, less than the share of a connection in a turn of the loop.
 */
const sumHereBytesMax = 768 * 1024;
const fewWorkers = 2;

export interface StreamRun extends Omit<Run, 'became' | 'freed' | 'quota'> {
  /** All owners of one address, or an identity: what has fewer places is before others. */
  readonly group: object | string;
}

export class Executor {
  readonly #parts: ExecutorParts;
  readonly #builtIn = new Map(builtInOperations.map((operation) => [operation.name, operation]));
  #users: ReadonlyMap<string, OperationInfo> = new Map();
  #operations: readonly OperationInfo[] = builtInOperations;

  constructor(parts: ExecutorParts) {
    this.#parts = parts;
  }

  /** The user's operations, once the pool has loaded them, and after each reload. */
  learn(operations: readonly OperationInfo[]): void {
    this.#users = new Map(operations.map((operation) => [operation.name, operation]));
    this.#operations = [...builtInOperations, ...operations];
  }

  /** All operations; another list after each `learn`. */
  get operations(): readonly OperationInfo[] {
    return this.#operations;
  }

  isUsers(op: string): boolean {
    return this.#users.has(op);
  }

  /** @param isOpFirst does `op` stand before `data`? */
  wayOf(op: string, isOpFirst: boolean, bodyBytes: number): BodyWay {
    const operation = this.#builtIn.get(op);
    if (operation === undefined) return 'held';
    const { maxFrameBytes, workers } = this.#parts;
    const bytesMax = op === 'sum' && workers <= fewWorkers ? sumHereBytesMax : hereBytesMax;
    if (bodyBytes <= Math.min(bytesMax, maxFrameBytes)) return 'here';
    if (!isOpFirst) return 'held';
    if (op === 'echo') return 'echoed';
    return operation.streaming ? 'streamed' : 'held';
  }

  isBuiltIn(op: string): boolean {
    return this.#builtIn.has(op);
  }

  /** The name that an operation is counted under: those that peers make up are one. */
  countedName(op: string | undefined): string {
    return op !== undefined && (this.#builtIn.has(op) || this.#users.has(op)) ? op : unknownOperation;
  }

  /** Runs a user's operation on JSON text. `payload` must stay as it is until `freed`. */
  runData(run: Run, payload: Uint8Array): RunHandle {
    return this.#submit(run, { kind: 'data', op: run.request.op, payload });
  }

  /**
   * Decodes and answers a whole body that is too large for the I/O thread. `body` must stay as it is until `freed`.
   * @param dataPlace where its `data` is, if nobody has looked yet whether that is one JSON value
   */
  runBody(run: Run, body: Uint8Array, dataPlace?: WholeTask['dataPlace']): RunHandle {
    return this.#submit(run, { kind: 'frame', op: run.request.op, payload: body, dataPlace });
  }

  /** Answers a body as it comes; what comes after its start is given to the body that this returns. */
  runStream(run: StreamRun, start: BodyStart): BulkBody {
    const { request } = run;
    let deadline: NodeJS.Timeout | undefined;
    const body = this.#parts.lane.open({
      ...start,
      label: request.id,
      owner: run.owner,
      group: run.group,
      onEnd: (outcome) => {
        clearTimeout(deadline);
        request.wholeAtMs = body.wholeAtMs;
        run.settled(outcome);
      },
    });
    const left = leftMs(request);
    if (left !== undefined) {
      const message = `${quote(request.op)} was not done after ${request.timeoutMs} ms`;
      const expire = () => body.end('expired', { kind: 'error', code: 'DEADLINE_EXCEEDED', message });
      deadline = setTimeout(expire, Math.max(1, left));
    }
    return body;
  }

  #submit(run: Run, task: WholeTask): RunHandle {
    let handle: RunHandle;
    let isHandedOver = false;
    const { id: label, timeoutMs, cameAtMs: sinceMs } = run.request;
    handle = this.#parts.pool.submit(
      { ...task, label, owner: run.owner, quota: run.quota, timeoutMs, sinceMs },
      (outcome) => {
        if (outcome.kind === 'more') return;
        if (outcome.kind !== 'handout') {
          run.settled(outcome);
          return;
        }
        const next = this.#handOver(run, task.payload, outcome.envelope);
        isHandedOver = next !== undefined;
        if (next !== undefined) handle = next;
      },
      () => {
        if (!isHandedOver) run.freed();
      },
    );
    return { end: (code, message) => handle.end(code, message) };
  }

  /**
   * A worker's engine has read a large body and found that it is for an operation that is not the engine's. The body is a
   * task's again, or it is answered.
   */
  #handOver(run: Run, body: Uint8Array, envelope: Envelope): RunHandle | undefined {
    const head = readHead(body, envelope);
    const { cameAtMs, wholeAtMs, identity } = run.request;
    const op = head.op ?? unknownOperation;
    const isUsers = this.#users.has(op);
    const lane = isUsers ? 'pool' : 'bulk';
    const request = { ...recordOf(head, lane, cameAtMs, identity, this.countedName(head.op)), wholeAtMs };
    run.became(request);
    const refuse = (code: WireErrorCode, message: string) => {
      run.settled({ kind: 'error', code, message });
      return undefined;
    };
    if (!isUsers) {
      const isControl = controlOperations[op] !== undefined || op === '$auth';
      if (isControl) return refuse('BAD_DATA', `${op} takes no data of this size`);
      return refuse('UNKNOWN_OP', noOperation(op));
    }
    const left = leftMs(request);
    if (left !== undefined && left <= 0) {
      return refuse('DEADLINE_EXCEEDED', `${quote(op)} was still being read after ${request.timeoutMs} ms`);
    }
    return this.runData({ ...run, request }, dataOf(body, envelope));
  }
}
