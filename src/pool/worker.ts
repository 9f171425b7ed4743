import { parentPort, workerData } from 'node:worker_threads';
import { Engine } from '../engine/index.js';
import type { LoadedOperation } from '../ops/load-operations.js';
import { captureStandardStreams, LogChannel } from './log-channel.js';
import {
  type EndCode,
  errorOutcome,
  type FromWorker,
  type RunMessage,
  slot,
  type ToWorker,
  type WorkerSetup,
} from './messages.js';
import { runOperation } from './operation-runner.js';
import type { Outcome } from './task.js';
import { warmUp } from './warm-up.js';

/**
 * The entry of a worker thread: loads the users' operations, warms the engine up, and then runs one task at a time.
 *
 * It imports little, since every thread pays for every module in memory and in start time. Deadlines, queues and what
 * becomes of a task whose thread dies are the pool's; this side only has to be honest in its shared words
 * (see `slot` in messages.ts) and may be ended between any two instructions.
 */

/** Below this, copying a reply costs less than handing its buffer over. */
const transferBytesMin = 16 * 1024;

if (parentPort === null) throw new Error('worker.js is started by the pool, as a worker thread');
const port = parentPort;
const setup = workerData as WorkerSetup;
const slots = new Int32Array(setup.slots);
const log = new LogChannel(send);
const noOperations: ReadonlyMap<string, LoadedOperation> = new Map();

let engine = new Engine(setup.engineModule);
let operations = noOperations;
/** The run under way. Its signal is made when its operation asks for it. */
let current: Run | undefined;

interface Run {
  readonly serial: number;
  controller?: AbortController;
}

function send(message: FromWorker, transfer: ArrayBuffer[] = []): void {
  port.postMessage(message, transfer);
}

async function start(): Promise<void> {
  captureStandardStreams(log);
  try {
    if (setup.operationModules.length > 0) {
      const { loadOperations } = await import('../ops/load-operations.js');
      operations = await loadOperations(setup.operationModules, setup.checkSources);
    }
    warmUp(engine);
  } catch (error) {
    send({ type: 'failed', message: error instanceof Error ? error.message : String(error) });
    return;
  }
  port.on('message', receive);
  const infos = [...operations.values()].map((operation) => operation.info);
  send({ type: 'ready', operations: infos, checkSources: setup.checkSources });
}

function receive(message: ToWorker): void {
  switch (message.type) {
    case 'run':
      void run(message);
      return;
    case 'abort':
      if (current?.serial === message.serial) abort(current.controller, message.code, message.message);
      return;
  }
}

async function run(task: RunMessage): Promise<void> {
  // Before `ended` is read: the pool writes and reads in the other order, so one of us sees the other.
  Atomics.store(slots, slot.running, task.serial);
  const wanted = Atomics.load(slots, slot.ended) !== task.serial;
  current = { serial: task.serial };
  log.op = task.op;
  const outcome = wanted ? await work(task, current) : errorOutcome('CANCELLED', 'ended before it began');
  log.mentionDropped();
  log.op = undefined;
  current = undefined;
  Atomics.store(slots, slot.running, -task.serial);
  send({ type: 'done', serial: task.serial, outcome }, transferable(outcome));
}

async function work(task: RunMessage, run: Run): Promise<Outcome> {
  if (task.kind === 'frame') return answerFrame(task.payload);
  const operation = operations.get(task.op);
  if (operation === undefined) return errorOutcome('UNKNOWN_OP', `no operation \`${task.op}\``);
  return runOperation(operation, task.payload, setup.resultBytesMax, { log, signal: () => signalOf(run) });
}

function answerFrame(body: Uint8Array): Outcome {
  try {
    return engine.answer(body);
  } catch (error) {
    log.write('error', { err: error }, 'the engine failed on a frame');
    engine = new Engine(setup.engineModule);
    return errorOutcome('INTERNAL', "the engine failed on this request; the server's log has the cause");
  }
}

function signalOf(run: Run): AbortSignal {
  if (run.controller === undefined) {
    run.controller = new AbortController();
    Atomics.store(slots, slot.listens, run.serial);
    if (Atomics.load(slots, slot.ended) === run.serial) abort(run.controller, 'CANCELLED', 'the task was ended');
  }
  return run.controller.signal;
}

function abort(controller: AbortController | undefined, code: EndCode, message: string): void {
  controller?.abort(new DOMException(message, code === 'CANCELLED' ? 'AbortError' : 'TimeoutError'));
}

function transferable(outcome: Outcome): ArrayBuffer[] {
  const bytes = outcome.kind === 'frame' ? outcome.frame : outcome.kind === 'result' ? outcome.json : undefined;
  if (bytes === undefined || bytes.byteLength < transferBytesMin) return [];
  return bytes.byteLength === bytes.buffer.byteLength ? [bytes.buffer as ArrayBuffer] : [];
}

await start();
