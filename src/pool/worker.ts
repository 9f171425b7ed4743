import { type MessagePort, parentPort } from 'node:worker_threads';
import { Engine, type Envelope } from '../engine/index.js';
import type { LoadedOperation } from '../ops/load-operations.js';
import type { ThreadStates } from '../ops/thread-states.js';
import { describeThrown } from '../protocol/describe-thrown.js';
import { errorFrame, okFrame } from '../protocol/replies.js';
import { decodeText, inLaterTurn, loadWord, lockIntrinsics, parseJson, senderOf, storeWord } from './intrinsics.js';
import { captureStandardStreams, LogChannel } from './log-channel.js';
import {
  type EndCode,
  type ErrorOutcome,
  errorOutcome,
  type FromWorker,
  type RunMessage,
  slot,
  type ToWorker,
  type WorkerSetup,
} from './messages.js';
import type { RunOutcome } from './operation-runner.js';
import { noOperation } from './sentences.js';
import type { BytePlace, Outcome, PartTask } from './task.js';
import type { TakeRecord } from './thread-boot.js';
import { warmUp } from './warm-up.js';

/**
 * What a worker thread runs, once it has booted: loads the users' operations, if it is to have any, warms the engine up, and then runs one
 * task at a time.
 *
 * It imports little, since every thread pays for every module in memory and in start time. Deadlines, queues and what
 * becomes of a task whose thread dies are the pool's; this side only has to be honest in its shared words
 * (see `slot` in messages.ts) and may be ended between any two instructions.
 *
 * Users' code shares this realm. So the thread talks over a port that users' code has no way to, closes `parentPort`,
 * which is in everybody's reach, and takes the built-ins that it needs before it loads a module (`intrinsics.ts`).
 */

/** Below this, copying a reply costs less than handing its buffer over. */
const transferBytesMin = 16 * 1024;

interface Run {
  readonly serial: number;
  /** Made when the operation asks for its signal. */
  controller?: AbortController;
}

type UsersCode = typeof import('./users-code.js');

class WorkerSide {
  readonly #setup: WorkerSetup;
  readonly #port: MessagePort;
  readonly #post: (message: unknown, transfer: ArrayBuffer[]) => void;
  readonly #slots: Int32Array;
  readonly #log: LogChannel;
  #engine: Engine;
  /** What only a thread with users' operations needs. */
  #code: UsersCode | undefined;
  #operations: ReadonlyMap<string, LoadedOperation> = new Map();
  #states: ThreadStates | undefined;
  /** The run under way. */
  #current: Run | undefined;

  constructor(setup: WorkerSetup) {
    this.#setup = setup;
    this.#port = setup.port;
    this.#post = senderOf(setup.port);
    this.#slots = new Int32Array(setup.slots);
    this.#log = new LogChannel((line) => this.#send(line), setup.logLevels);
    this.#engine = new Engine(setup.engineModule);
  }

  async start(takeRecord: TakeRecord): Promise<void> {
    captureStandardStreams(this.#log);
    this.#port.on('message', (message: ToWorker) => this.#receive(message));
    const keepAlive = this.#port.ref.bind(this.#port);
    // As long as modules load, only they keep the thread alive: one that waits for nothing is seen to end.
    this.#port.unref();
    const { operationModules, checkSources } = this.#setup;
    try {
      if (operationModules.length > 0) await this.#load();
      warmUp(this.#engine);
    } catch (error) {
      this.#send({ type: 'failed', message: error instanceof Error ? error.message : describeThrown(error) });
      return;
    }
    keepAlive();
    const operations = [...this.#operations.values()].map((operation) => operation.info);
    const hasTeardown = this.#states?.hasTeardown === true;
    this.#send({ type: 'ready', operations, checkSources, record: takeRecord(), hasTeardown });
  }

  async #load(): Promise<void> {
    this.#code = await import('./users-code.js');
    this.#code.guardJson();
    lockIntrinsics();
    let waiting = '';
    const begin = (file: string, late: string, waits: string) => {
      const where = `--ops: cannot load operations from ${file}:`;
      waiting = `${where} ${waits} for something that never comes`;
      this.#send({ type: 'loading', sentence: `${where} ${late}` });
    };
    const onEmpty = () => this.#send({ type: 'failed', message: waiting });
    process.once('beforeExit', onEmpty);
    const { operationModules, checkSources } = this.#setup;
    this.#operations = await this.#code.loadOperations(operationModules, checkSources, (file) =>
      begin(file, 'it had not loaded', 'it waits at its top level'),
    );
    this.#states = new this.#code.ThreadStates((op) => this.#log.forRun({ op }));
    await this.#states.setUp(this.#operations.values(), ({ file, late, waits }) => begin(file, late, waits));
    process.off('beforeExit', onEmpty);
  }

  #receive(message: ToWorker): void {
    switch (message.type) {
      case 'run':
        void this.#run(message);
        return;
      case 'leave':
        void this.#leave();
        return;
      case 'abort':
        if (this.#current?.serial === message.serial) abort(this.#current, message.code, message.message);
        return;
    }
  }

  async #leave(): Promise<void> {
    await this.#states?.tearDown();
    this.#send({ type: 'left' });
  }

  async #run(task: RunMessage): Promise<void> {
    // Before `ended` is read: the pool writes and reads in the other order, so one of us sees the other.
    storeWord(this.#slots, slot.running, task.serial);
    const run: Run = { serial: task.serial };
    this.#current = run;
    this.#log.run = { op: task.op, id: task.label };
    let outcome: Outcome | undefined;
    try {
      outcome = this.#isEnded(run) ? undefined : await this.#work(task, run);
    } catch (error) {
      outcome = this.#failed(error, 'a task failed outside its operation');
    }
    this.#log.mentionDropped();
    this.#log.run = {};
    this.#current = undefined;
    storeWord(this.#slots, slot.running, -task.serial);
    if (outcome === undefined) this.#send({ type: 'unbegun', serial: task.serial });
    else this.#send({ type: 'done', serial: task.serial, outcome }, transferable(outcome));
    // A turn later: a task that left a loop behind never comes to it.
    inLaterTurn(() => storeWord(this.#slots, slot.free, task.serial));
  }

  async #work({ kind, op, payload, dataPlace }: RunMessage, run: Run): Promise<Outcome> {
    if (!(payload instanceof Uint8Array)) return this.#withEngine(() => this.#answerPart(payload));
    if (kind === 'data') {
      const operation = this.#operations.get(op);
      if (operation === undefined) return errorOutcome('UNKNOWN_OP', noOperation(op));
      return this.#runOperation(operation, payload, run);
    }
    const answer = this.#withEngine(() => this.#faultIn(payload, dataPlace) ?? this.#engine.answer(payload));
    return answer.kind === 'handout' ? this.#runFrame(payload, answer.envelope, run) : answer;
  }

  /** Runs the operation that a whole frame is for, if it is a user's, and writes the whole reply. */
  async #runFrame(body: Uint8Array, envelope: Envelope, run: Run): Promise<Outcome> {
    const view = (offset: number, length: number) => body.subarray(offset, offset + length);
    const op = parseJson(decodeText(view(envelope.opOffset, envelope.opLength))) as string;
    const operation = this.#operations.get(op);
    if (operation === undefined) return { kind: 'handout', envelope };
    const outcome = await this.#runOperation(operation, view(envelope.dataOffset, envelope.dataLength), run);
    const id = decodeText(view(envelope.idOffset, envelope.idLength));
    if (outcome.kind === 'result') return { kind: 'frame', frame: okFrame(id, outcome.json), op };
    return { kind: 'frame', frame: errorFrame(id, outcome.code, outcome.message), op, code: outcome.code };
  }

  #runOperation(operation: LoadedOperation, payload: Uint8Array, run: Run): Promise<RunOutcome> {
    return this.#code!.runOperation(operation, payload, this.#setup.resultBytesMax, {
      log: this.#log,
      signal: () => this.#signalOf(run),
      isAborted: () => run.controller?.signal.aborted === true,
    });
  }

  /** What is wrong with the bytes of `data` by themselves; `undefined` where nothing is, or nobody asked. */
  #faultIn(body: Uint8Array, place: BytePlace | undefined): ErrorOutcome | undefined {
    if (place === undefined) return undefined;
    const fault = this.#engine.check(body.subarray(place.offset, place.offset + place.length));
    return fault < 0
      ? undefined
      : errorOutcome('BAD_JSON', `the body is not one JSON value in UTF-8: see byte ${fault}`);
  }

  #withEngine<Answer extends Outcome>(work: () => Answer): Answer | ErrorOutcome {
    try {
      return work();
    } catch (error) {
      // After a trap nobody knows what its memory holds.
      this.#engine = new Engine(this.#setup.engineModule);
      return this.#failed(error, 'the engine failed on a frame');
    }
  }

  #answerPart({ pieces, from, to, isLast }: PartTask): Outcome {
    const { bodyStateBytes } = this.#engine;
    const view = (offset: number, length: number) => new Uint8Array(this.#setup.partMemory, offset, length);
    const views: Uint8Array[] = [];
    for (let at = 0; at < pieces.length; at += 2) views.push(view(pieces[at]!, pieces[at + 1]!));
    const answer = this.#engine.answerPart(view(from, bodyStateBytes), view(to, bodyStateBytes), views, isLast);
    if (answer?.kind === 'echo') throw new Error('only the parts of a sum are for a worker');
    return answer ?? { kind: 'more' };
  }

  #failed(error: unknown, sentence: string): ErrorOutcome {
    this.#log.write('error', { err: error }, sentence);
    return errorOutcome('INTERNAL', 'the server failed on this request; its log has the cause');
  }

  #signalOf(run: Run): AbortSignal {
    if (run.controller === undefined) {
      run.controller = new AbortController();
      storeWord(this.#slots, slot.listens, run.serial);
      if (this.#isEnded(run)) abort(run, 'CANCELLED', 'the task was ended');
    }
    return run.controller.signal;
  }

  #isEnded(run: Run): boolean {
    return loadWord(this.#slots, slot.ended) === run.serial;
  }

  #send(message: FromWorker, transfer: ArrayBuffer[] = []): void {
    this.#post(message, transfer);
  }
}

function abort(run: Run, code: EndCode, message: string): void {
  run.controller?.abort(new DOMException(message, code === 'CANCELLED' ? 'AbortError' : 'TimeoutError'));
}

function transferable(outcome: Outcome): ArrayBuffer[] {
  const bytes = outcome.kind === 'frame' ? outcome.frame : outcome.kind === 'result' ? outcome.json : undefined;
  if (bytes === undefined || bytes.byteLength < transferBytesMin) return [];
  return bytes.byteLength === bytes.buffer.byteLength ? [bytes.buffer as ArrayBuffer] : [];
}

/** Called once, by `thread-boot.ts`. */
export function runWorker(setup: WorkerSetup, takeRecord: TakeRecord): void {
  // What users' code would post there costs the I/O thread time for each message, and nobody listens.
  parentPort?.close();
  void new WorkerSide(setup).start(takeRecord);
}
