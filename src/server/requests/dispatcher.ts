/**
 * Requests of a peer that the I/O thread's engine does not answer by itself: control operations, users' operations, and
 * bodies that are too large for it. Each gets exactly one reply, and what it holds of the budget is given back with it.
 */
import type { Engine, Envelope } from '../../engine/index.js';
import type { WireErrorCode } from '../../errors.js';
import type { BytePlace } from '../../pool/task.js';
import { errorFrame, type IdToken, okFrame } from '../../protocol/replies.js';
import type { Access } from '../access/access.js';
import type { Denial } from '../access/identity.js';
import type { BulkBody } from '../bulk/bulk-body.js';
import { addressGroup } from '../channel/connection-places.js';
import type { Observer, RefusalLimit } from '../observer.js';
import type { Lane } from '../server-view.js';
import type { Admission, Refusal } from './admission.js';
import { controlOperations, memberOf } from './control.js';
import type { BodyStart, BodyWay, Executor, Outcome, Run, RunHandle } from './executor.js';
import type { InFlight, Peer } from './peer.js';
import { dataOf, type RequestRecord, readHead, readStart, recordOf } from './request.js';
import { drains, noOperation } from './sentences.js';

export interface DispatcherParts {
  /** The engine of this thread; it is replaced after a trap. */
  readonly engine: () => Engine;
  readonly executor: Executor;
  readonly observer: Observer;
  readonly access: Access;
  readonly admission: Admission;
}

/** A large body of which the start is known. */
export interface LargeRequest {
  readonly request: RequestRecord;
  /** As the request has it; `undefined` where its first bytes do not. */
  readonly op: string | undefined;
  readonly way: BodyWay;
}

/** A whole large body in memory. */
export interface HeldRequest {
  readonly bytes: Uint8Array;
  /** Called when nobody reads the bytes any more. */
  release(): void;
  readonly dataPlace?: BytePlace;
}

/** What a small task costs beside its data: the objects that stand for it. */
const taskOverheadBytes = 512;

const noRoomForResult =
  'the result has no room beside the other unread replies (--max-held-bytes); read them, and try again';

export class Dispatcher {
  readonly #parts: DispatcherParts;

  constructor(parts: DispatcherParts) {
    this.#parts = parts;
  }

  /**
   * Answers a request that the engine handed out of `bytes`, which came at `cameAtMs`.
   * @param isAdmitted see `admits`
   */
  answer(peer: Peer, bytes: Uint8Array, envelope: Envelope, cameAtMs: number, isAdmitted = false): void {
    const { access, executor } = this.#parts;
    const head = readHead(bytes, envelope);
    const op = head.op!;
    const control = controlOperations[op];
    const record = (lane: Lane, name?: string) => recordOf(head, lane, cameAtMs, peer.identity?.name, name);
    if (op === '$auth') {
      this.#authenticate(peer, record('inline', op), dataOf(bytes, envelope));
      return;
    }
    const refusal = isAdmitted ? undefined : (access.admit(peer.identity, op) ?? this.#withheld(op));
    if (refusal !== undefined) this.#deny(peer, record('inline', control ? op : executor.countedName(op)), refusal);
    else if (control) {
      const { idToken } = head;
      const request = record('inline', op);
      const data = dataOf(bytes, envelope);
      const reply = control({ idToken, request, data, peer, operations: executor.operations });
      if (reply === undefined) return;
      const { frame, code } = reply;
      this.#observeInline(request, code ?? 'ok');
      this.#send(peer, idToken, frame);
    } else if (executor.isUsers(op)) this.#runUsers(peer, record('pool', op), dataOf(bytes, envelope));
    else {
      peer.send(errorFrame(head.idToken, 'UNKNOWN_OP', noOperation(op)));
      this.#observeInline(record('inline'), 'UNKNOWN_OP');
    }
  }

  /**
   * May this peer have the request answered? Where not, it has its reply.
   * @param op `undefined` where the bytes that are there do not name it
   */
  admits(peer: Peer, request: RequestRecord, op: string | undefined, bytes: number): boolean {
    const refusal = this.#parts.access.admit(peer.identity, op, bytes);
    if (refusal !== undefined) this.#deny(peer, request, refusal);
    return refusal === undefined;
  }

  /** Ends a peer that has not said who it is. */
  refuseStranger(peer: Peer, message: string): void {
    peer.sendLast(errorFrame(null, 'UNAUTHENTICATED', message));
  }

  /** Runs a user's operation on a whole body that the engine handed out; false, and nothing is done, where it is for another. */
  runUsers(peer: Peer, body: Uint8Array, envelope: Envelope, cameAtMs: number): boolean {
    const head = readHead(body, envelope);
    if (!this.#parts.executor.isUsers(head.op!)) return false;
    const request = recordOf(head, 'pool', cameAtMs, peer.identity?.name, head.op);
    this.#runUsers(peer, request, dataOf(body, envelope));
    return true;
  }

  /** Refuses a request that the engine handed out of `bytes`, since the server drains. */
  refuseHandout(peer: Peer, bytes: Uint8Array, envelope: Envelope, cameAtMs: number): void {
    const head = readHead(bytes, envelope);
    // Whoever asks whether the server drains is told, and not refused for it.
    if (head.op === '$draining') this.answer(peer, bytes, envelope, cameAtMs);
    else this.refuse(peer, recordOf(head, 'inline', cameAtMs, peer.identity?.name), 'SHUTTING_DOWN', drains);
  }

  /** Answers a request that will not be tried. */
  refuse(peer: Peer, request: RequestRecord, code: WireErrorCode, message: string, retryAfterMs?: number): void {
    peer.send(errorFrame(request.idToken, code, message, retryAfterMs));
    this.#parts.observer.answered({ ...request, lane: 'inline', wholeAtMs: undefined }, code);
  }

  /** Answers a request that a limit stands against. */
  refuseOver(peer: Peer, request: RequestRecord, { limit, message, retryAfterMs }: Refusal): void {
    this.#parts.observer.requestRefused(limit);
    this.refuse(peer, request, 'OVERLOADED', message, retryAfterMs);
  }

  /** Is a large body that begins not even to be read, since the server is overloaded? Then it is answered so. */
  isShed(peer: Peer, request: RequestRecord): boolean {
    const refusal = this.#parts.admission.shed(peer);
    if (refusal) this.refuseOver(peer, request, refusal);
    return refusal !== undefined;
  }

  /** The same for a body of which only the first bytes may be there. */
  refuseStart(peer: Peer, body: Uint8Array, cameAtMs: number, code: WireErrorCode, message: string): void {
    this.refuse(peer, this.readStart(peer, body, body.length, cameAtMs).request, code, message);
  }

  /**
   * Reads the first bytes of a large body, as far as they go.
   * @param bodyBytes of the whole body
   */
  readStart(peer: Peer, start: Uint8Array, bodyBytes: number, cameAtMs: number): LargeRequest {
    const { engine, executor } = this.#parts;
    const head = readStart(engine(), start, (op) => executor.isBuiltIn(op));
    const op = executor.countedName(head.op);
    const way = executor.wayOf(op, head.isOpFirst, bodyBytes);
    const lane = way === 'streamed' || way === 'held' ? 'bulk' : 'inline';
    return { request: recordOf(head, lane, cameAtMs, peer.identity?.name, op), op: head.op, way };
  }

  /** Answers a body as it comes; `undefined` where it was refused. */
  openStream(peer: Peer, request: RequestRecord, start: BodyStart): BulkBody | undefined {
    if (this.#isRefused(peer, request)) return undefined;
    const { identity } = peer;
    const active: InFlight = {
      request,
      identity,
      end: (code, message) =>
        body.end(code === 'CANCELLED' ? 'cancelled' : 'expired', { kind: 'error', code, message }),
    };
    this.#track(peer, active);
    let body: BulkBody;
    try {
      body = this.#parts.executor.runStream(
        {
          request,
          owner: identity ?? peer,
          group: identity ?? addressGroup(peer.remoteAddress ?? ''),
          settled: (outcome) => this.#settle(peer, active, outcome, 'bulk_places'),
        },
        start,
      );
    } catch (error) {
      this.#untrack(peer, active);
      throw error;
    }
    return body;
  }

  /**
   * Answers a whole body that is too large for the I/O thread.
   * @param dataPlace where its `data` is, if nobody has looked yet whether that is one JSON value
   */
  answerHeld(peer: Peer, request: RequestRecord, { bytes, release, dataPlace }: HeldRequest): void {
    if (this.#isRefused(peer, request)) {
      release();
      return;
    }
    this.#start(peer, request, release, (run) => this.#parts.executor.runBody(run, bytes, dataPlace));
  }

  #runUsers(peer: Peer, request: RequestRecord, data: Uint8Array): void {
    request.wholeAtMs = request.cameAtMs;
    const heldBytes = data.length + taskOverheadBytes;
    if (this.#isRefused(peer, request)) return;
    if (!peer.share.take(heldBytes)) {
      this.refuseOver(peer, request, peer.share.refusal);
      return;
    }
    // The engine's input is overwritten by the next read, so the task has bytes of its own.
    const payload = Uint8Array.prototype.slice.call(data);
    const freed = () => peer.share.give(heldBytes);
    this.#start(peer, request, freed, (run) => this.#parts.executor.runData(run, payload));
  }

  #start(peer: Peer, request: RequestRecord, freed: () => void, begin: (run: Run) => RunHandle): void {
    let handle: RunHandle;
    const { identity } = peer;
    const active: InFlight = { request, identity, end: (code, message) => handle.end(code, message) };
    let isFreed = false;
    const freeOnce = () => {
      if (!isFreed) freed();
      isFreed = true;
    };
    this.#track(peer, active);
    try {
      handle = begin({
        request,
        owner: identity ?? peer,
        quota: identity?.quota,
        became: (now) => {
          active.request = now;
        },
        settled: (outcome) => this.#settle(peer, active, outcome, 'max_queue'),
        freed: freeOnce,
      });
    } catch (error) {
      // Nobody can end what has not begun, and nobody else gives back what it was to have.
      this.#untrack(peer, active);
      freeOnce();
      throw error;
    }
  }

  #track(peer: Peer, active: InFlight): void {
    peer.inFlight.add(active);
    active.identity?.began(active);
    this.#parts.admission.begin();
  }

  #untrack(peer: Peer, active: InFlight): void {
    peer.inFlight.delete(active);
    active.identity?.ended(active);
    this.#parts.admission.end();
  }

  /** @param limit the one that was hit, where the outcome is OVERLOADED */
  #settle(peer: Peer, active: InFlight, outcome: Outcome | undefined, limit: RefusalLimit): void {
    if (outcome?.kind === 'error' && outcome.code === 'OVERLOADED') this.#parts.observer.requestRefused(limit);
    this.#untrack(peer, active);
    if (outcome !== undefined) this.#reply(peer, active.request, outcome);
    peer.settled();
  }

  #reply(peer: Peer, request: RequestRecord, outcome: Outcome): void {
    const { idToken } = request;
    const code = outcome.kind === 'result' ? undefined : outcome.code;
    const isSent = this.#send(peer, idToken, frameOf(idToken, outcome));
    const told = outcome.kind === 'frame' ? { ...request, op: outcome.op } : request;
    this.#parts.observer.answered(told, isSent ? (code ?? 'ok') : 'OVERLOADED');
  }

  /** Sends a reply, or an error that says that it has no room. @returns whether it had */
  #send(peer: Peer, idToken: IdToken, frame: Uint8Array): boolean {
    if (peer.send(frame)) return true;
    this.#parts.observer.requestRefused(peer.share.refusal.limit);
    peer.send(errorFrame(idToken, 'OVERLOADED', noRoomForResult));
    return false;
  }

  #observeInline(request: RequestRecord, outcome: 'ok' | WireErrorCode): void {
    request.wholeAtMs = request.cameAtMs;
    this.#parts.observer.answered(request, outcome);
  }

  #authenticate(peer: Peer, request: RequestRecord, data: Uint8Array): void {
    const { access } = this.#parts;
    const { idToken } = request;
    const token = memberOf(data, 'token');
    if (peer.identify === undefined) {
      this.refuse(peer, request, 'UNAUTHENTICATED', 'over HTTP a token is sent as Authorization: Bearer');
      return;
    }
    if (token === undefined) {
      const message = '$auth takes {"token": string}';
      if (access.isStranger(peer.identity)) this.#deny(peer, request, { code: 'UNAUTHENTICATED', message });
      else this.refuse(peer, request, 'BAD_DATA', message);
      return;
    }
    const { remoteAddress } = peer;
    const answer = access.authenticate(token, remoteAddress);
    this.#observeInline(request, answer.identity === undefined ? 'UNAUTHENTICATED' : 'ok');
    if (answer.identity !== undefined) {
      peer.identify(answer.identity);
      this.#send(peer, idToken, okFrame(idToken, `{"identity":${JSON.stringify(answer.identity.name)}}`));
    } else if (answer.delayMs === undefined) peer.hangUp();
    else {
      const frame = errorFrame(idToken, 'UNAUTHENTICATED', answer.message);
      peer.sendLast(frame, answer.delayMs, () => access.answered(remoteAddress));
    }
  }

  /** An operation of the engine's that it did not answer: its peer had nothing left of a rate a moment ago. */
  #withheld(op: string): Denial | undefined {
    if (!this.#parts.executor.isBuiltIn(op) && op !== '$ping') return undefined;
    return { code: 'OVERLOADED', message: 'the requests or bytes of this second are used up', retryAfterMs: 1 };
  }

  #deny(peer: Peer, request: RequestRecord, { code, message, retryAfterMs }: Denial): void {
    const frame = errorFrame(request.idToken, code, message, retryAfterMs);
    if (code === 'UNAUTHENTICATED') peer.sendLast(frame);
    else peer.send(frame);
    this.#parts.observer.answered({ ...request, lane: 'inline', wholeAtMs: undefined }, code);
  }

  /** Is there a limit against one more request of the peer, or of its identity? Then this one is answered so. */
  #isRefused(peer: Peer, request: RequestRecord): boolean {
    const denial = peer.identity?.placeRefusal();
    if (denial !== undefined) {
      this.#deny(peer, request, denial);
      return true;
    }
    const refusal = this.#parts.admission.refusal(peer);
    if (refusal) this.refuseOver(peer, request, refusal);
    return refusal !== undefined;
  }
}

function frameOf(idToken: IdToken, outcome: Outcome): Uint8Array {
  switch (outcome.kind) {
    case 'frame':
      return outcome.frame;
    case 'result':
      return okFrame(idToken, outcome.json);
    case 'error':
      return errorFrame(idToken, outcome.code, outcome.message, outcome.retryAfterMs);
  }
}
