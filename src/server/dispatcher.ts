/**
 * Requests that the I/O thread's engine does not answer: control operations, users' operations, and bodies that are
 * too large for it. Every request gets exactly one response, and what it holds of the server's budget is given back
 * with it.
 */
import type { Engine, Envelope } from '../engine/index.js';
import type { WireErrorCode } from '../errors.js';
import { builtInOperations, unknownOperation } from '../ops/built-in.js';
import type { OperationInfo } from '../ops/operation-info.js';
import type { Pool } from '../pool/pool.js';
import type { Outcome, WholeTask } from '../pool/task.js';
import { inlineBytesMax } from '../protocol/limits.js';
import type { BulkBody, BulkOutcome } from './bulk-body.js';
import type { BulkLane } from './bulk-lane.js';
import { type ByteBudget, budgetIsEmpty } from './byte-budget.js';
import { controlOperations } from './control.js';
import type { Counters } from './counters.js';
import type { FrameCollector } from './frame-collector.js';
import type { InFlight, Peer } from './peer.js';
import { errorFrame, type IdToken, okFrame } from './replies.js';
import { boundedTimeoutMs, quote, type Request, readRequest, textOf } from './request.js';
import type { Lane } from './server-view.js';

export interface DispatcherParts {
  readonly engine: Engine;
  readonly pool: Pool;
  readonly lane: BulkLane;
  readonly counters: Counters;
  readonly budget: ByteBudget;
  /** Requests in flight that a peer may have. */
  readonly maxRequests: number;
}

/** What is known of a request that is under way. */
interface Job {
  readonly peer: Peer;
  readonly lane: Lane;
  readonly request: InFlight;
  readonly idToken: IdToken;
  readonly op: string;
  readonly wholeAtMs: number;
  /** Gives back what the request holds; called when nobody reads it any more. */
  readonly release: () => void;
}

/** What the first bytes of a body say of it, as far as they go. */
export interface BodyStart {
  readonly idToken: IdToken;
  readonly id: string | undefined;
  readonly op: string | undefined;
  readonly timeoutMs: number | undefined;
  /** May it be answered in parts? Its operation must be known before its data comes. */
  readonly isStreamed: boolean;
}

/** What a small task costs beside its data: the objects that stand for it. */
const taskOverheadBytes = 512;

const nullJson = Buffer.from('null');

export class Dispatcher {
  readonly #parts: DispatcherParts;
  readonly #builtInNames = new Set(builtInOperations.map((operation) => operation.name));
  readonly #streamedNames = new Set(builtInOperations.filter(({ streaming }) => streaming).map(({ name }) => name));
  #users: ReadonlyMap<string, OperationInfo> = new Map();

  constructor(parts: DispatcherParts) {
    this.#parts = parts;
  }

  /** The user's operations, once the pool has loaded them. */
  learn(operations: readonly OperationInfo[]): void {
    this.#users = new Map(operations.map((operation) => [operation.name, operation]));
  }

  operations(): readonly OperationInfo[] {
    return [...builtInOperations, ...this.#users.values()];
  }

  /** Answers a request that the engine handed out of `bytes`. */
  request(peer: Peer, bytes: Uint8Array, envelope: Envelope, wholeAtMs: number): void {
    const request = readRequest(bytes, envelope);
    const control = controlOperations[request.op];
    if (control) {
      const reply = control({ request, peer, operations: () => this.operations() });
      this.#countInline(request.op, reply.code ?? 'ok', wholeAtMs);
      if (reply.code === 'UNAUTHENTICATED') peer.refuse(reply.frame);
      else peer.send(reply.frame);
    } else if (this.#users.has(request.op)) this.#runUsers(peer, request, wholeAtMs);
    else {
      this.#countInline(unknownOperation, 'UNKNOWN_OP', wholeAtMs);
      const message = `no operation ${quote(request.op)}; $ops lists them`;
      peer.send(errorFrame(request.idToken, 'UNKNOWN_OP', message));
    }
  }

  /** Answers, and counts, a request that will not be tried. */
  refuse(peer: Peer, idToken: IdToken, code: WireErrorCode, message: string, op = unknownOperation): void {
    this.#parts.counters.frame(op, code, 'inline');
    peer.send(errorFrame(idToken, code, message));
  }

  /** The same for a body of which only the first bytes may be there. */
  refuseBody(peer: Peer, body: Uint8Array, code: WireErrorCode, message: string): void {
    this.refuse(peer, this.readStart(body).idToken, code, message);
  }

  /** Answers a body in parts, of which the first are gathered; answers with `undefined` where it was refused. */
  stream(peer: Peer, start: BodyStart, collector: FrameCollector): BulkBody | undefined {
    const { lane } = this.#parts;
    const op = this.#countedName(start.op);
    const refusal = this.#refusal(peer);
    if (refusal) {
      this.refuse(peer, start.idToken, 'OVERLOADED', refusal, op);
      return undefined;
    }
    let deadline: NodeJS.Timeout | undefined;
    const onEnd = (outcome: BulkOutcome | undefined) => {
      clearTimeout(deadline);
      const wholeAtMs = body.wholeAtMs ?? performance.now();
      const job = { peer, lane: 'bulk', request, idToken: start.idToken, op, wholeAtMs } as const;
      if (outcome) this.#settle(job, outcome);
      else {
        peer.inFlight.delete(request);
        peer.settled();
      }
    };
    const request: InFlight = {
      id: start.id,
      handle: {
        end: (code, message) =>
          body.end(code === 'CANCELLED' ? 'cancelled' : 'expired', { kind: 'error', code, message }),
      },
    };
    peer.inFlight.add(request);
    const body = lane.open({ collector, label: start.id, onEnd });
    const { timeoutMs } = start;
    if (timeoutMs !== undefined) {
      const message = `${quote(op)} was not done after ${timeoutMs} ms`;
      const expire = () => body.end('expired', { kind: 'error', code: 'DEADLINE_EXCEEDED', message });
      deadline = setTimeout(expire, Math.max(1, timeoutMs));
    }
    return body;
  }

  /** Answers a whole body that is too large for the I/O thread, and releases it in the end. */
  bulk(peer: Peer, collector: FrameCollector, wholeAtMs: number): void {
    const { body } = collector;
    const { idToken, id, op, timeoutMs } = this.readStart(body);
    const refusal = this.#refusal(peer);
    if (refusal) {
      this.refuse(peer, idToken, 'OVERLOADED', refusal, this.#countedName(op));
      collector.release();
      return;
    }
    const job: Job = {
      peer,
      lane: 'bulk',
      request: { id, handle: undefined },
      idToken,
      op: this.#countedName(op),
      wholeAtMs,
      release: () => collector.release(),
    };
    this.#submit(job, { kind: 'frame', op: op ?? unknownOperation, payload: body, timeoutMs });
  }

  #runUsers(peer: Peer, request: Request, wholeAtMs: number): void {
    const { idToken, id, op, data, timeoutMs } = request;
    // The engine's input is overwritten by the next read, so the task has bytes of its own.
    const payload = data.length > 0 ? Uint8Array.prototype.slice.call(data) : nullJson;
    const heldBytes = payload.length + taskOverheadBytes;
    const { budget } = this.#parts;
    const refusal = this.#refusal(peer) ?? (budget.take(heldBytes) ? undefined : budgetIsEmpty);
    if (refusal) {
      this.refuse(peer, idToken, 'OVERLOADED', refusal, op);
      return;
    }
    const job: Job = {
      peer,
      lane: 'pool',
      request: { id, handle: undefined },
      idToken,
      op,
      wholeAtMs,
      release: () => budget.give(heldBytes),
    };
    this.#submit(job, { kind: 'data', op, payload, timeoutMs });
  }

  #submit(job: Job, task: WholeTask): void {
    let isHandedOver = false;
    job.peer.inFlight.add(job.request);
    job.request.handle = this.#parts.pool.submit(
      { ...task, label: job.request.id },
      (outcome) => {
        isHandedOver = outcome.kind === 'handout' && this.#handOver(job, task, outcome.envelope);
        if (outcome.kind !== 'handout' && outcome.kind !== 'more') this.#settle(job, outcome);
      },
      () => {
        if (!isHandedOver) job.release();
      },
    );
  }

  #settle(job: Omit<Job, 'release'>, outcome: Exclude<Outcome, { kind: 'handout' | 'more' }>): void {
    const { counters } = this.#parts;
    job.peer.inFlight.delete(job.request);
    switch (outcome.kind) {
      case 'frame':
        counters.frame(outcome.op, outcome.code ?? 'ok', job.lane);
        job.peer.send(outcome.frame);
        break;
      case 'result':
        counters.frame(job.op, 'ok', job.lane);
        job.peer.send(okFrame(job.idToken, outcome.json));
        break;
      case 'error':
        counters.frame(job.op, outcome.code, job.lane);
        job.peer.send(errorFrame(job.idToken, outcome.code, outcome.message, outcome.retryAfterMs));
    }
    counters.latency[job.lane].observe(performance.now() - job.wholeAtMs);
    job.peer.settled();
  }

  /**
   * A worker's engine has read a large body and found that it is for an operation which is not the engine's. True: the
   * body is a task's again.
   */
  #handOver(job: Job, task: WholeTask, envelope: Envelope): boolean {
    const { idToken, id, op, data, timeoutMs } = readRequest(task.payload, envelope);
    if (!this.#users.has(op)) {
      const isControl = controlOperations[op] !== undefined;
      const code = isControl ? 'BAD_DATA' : 'UNKNOWN_OP';
      const message = isControl ? `${op} takes no data of this size` : `no operation ${quote(op)}; $ops lists them`;
      this.#settle({ ...job, idToken, op: unknownOperation }, { kind: 'error', code, message });
      return false;
    }
    job.request.id = id;
    // The budget began with the frame, not with the second task.
    const leftMs = timeoutMs === undefined ? undefined : job.wholeAtMs + timeoutMs - performance.now();
    if (leftMs !== undefined && leftMs <= 0) {
      const message = `${quote(op)} was still being read after ${timeoutMs} ms`;
      this.#settle({ ...job, idToken, op }, { kind: 'error', code: 'DEADLINE_EXCEEDED', message });
      return false;
    }
    const payload = data.length > 0 ? data : nullJson;
    this.#submit({ ...job, lane: 'pool', idToken, op }, { kind: 'data', op, payload, timeoutMs: leftMs });
    return true;
  }

  /** Reads the envelope of a body of which only the first bytes may be there. */
  readStart(body: Uint8Array): BodyStart {
    const prefix = body.subarray(0, inlineBytesMax);
    const envelope = this.#parts.engine.peek(prefix);
    const text = (offset: number, length: number) => (length > 0 ? textOf(prefix, offset, length) : undefined);
    const idToken = text(envelope.idOffset, envelope.idLength) ?? null;
    const opToken = text(envelope.opOffset, envelope.opLength);
    const op: string | undefined = opToken === undefined ? undefined : JSON.parse(opToken);
    const isOpFirst = envelope.dataOffset === 0 || envelope.opOffset < envelope.dataOffset;
    return {
      idToken,
      id: idToken === null ? undefined : JSON.parse(idToken),
      op,
      timeoutMs: boundedTimeoutMs(envelope.timeoutMs),
      isStreamed: op !== undefined && isOpFirst && this.#streamedNames.has(op),
    };
  }

  #countInline(op: string, outcome: 'ok' | WireErrorCode, wholeAtMs: number): void {
    this.#parts.counters.frame(op, outcome, 'inline');
    this.#parts.counters.latency.inline.observe(performance.now() - wholeAtMs);
  }

  #refusal(peer: Peer): string | undefined {
    const { maxRequests } = this.#parts;
    if (peer.inFlight.size < maxRequests) return undefined;
    return `${maxRequests} requests of this connection are in flight, and no more may be`;
  }

  /** The name an operation is counted under: those that peers make up are one. */
  #countedName(op: string | undefined): string {
    return op !== undefined && (this.#builtInNames.has(op) || this.#users.has(op)) ? op : unknownOperation;
  }
}
