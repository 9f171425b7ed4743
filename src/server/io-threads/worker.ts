/** What an I/O thread beside the main thread runs: a whole I/O stack, with a way to the pool in the main thread. */
import { parentPort, workerData } from 'node:worker_threads';
import { Engine } from '../../engine/index.js';
import type { OperationLog } from '../../ops/define-operation.js';
import type { LogLevel } from '../../pool/messages.js';
import { Access } from '../access/access.js';
import { BulkLane } from '../bulk/bulk-lane.js';
import { ByteBudget } from '../byte-budget.js';
import type { Tls } from '../channel/tls/tls.js';
import { IoStack, type Ports } from '../io-stack.js';
import { sharedTallies } from '../tally.js';
import type { Answer, FromIoThread, IoThreadSetup, Question, ToIoThread } from './messages.js';
import { RemotePool } from './remote-pool.js';

const setup: IoThreadSetup = workerData;
const port = parentPort!;

const post = (message: FromIoThread) => port.postMessage(message);
const pool = new RemotePool((orders) => post({ type: 'orders', orders }));
const { engineModule, seat } = setup;
const { workers, maxHeldBytes, maxConnectionBytes, auth: mode, tokensFile } = setup.config;
const log = logOfThread(setup.logLevels);
const tallies = sharedTallies(setup.tallies);
const engine = new Engine(engineModule);
const access = new Access({ mode, tokensFile, workers, log, shared: setup.access });
let stack: IoStack | undefined;
let tls: Tls | undefined;

/** @param ports that the first I/O thread has already */
async function openStack(ports: Ports): Promise<IoStack> {
  const config = { ...setup.config, port: ports.port ?? 'off', tlsPort: ports.tlsPort ?? 'off' } as const;
  if (config.tlsPort !== 'off') {
    const { openTls } = await import('../channel/tls/tls.js');
    tls = openTls(config, log, setup.ticketKeys);
  }
  access.open();
  return new IoStack({
    config,
    engine,
    engineModule,
    pool,
    budget: new ByteBudget(maxHeldBytes, maxConnectionBytes || undefined, tallies.heldBytes, tallies.keptBytes),
    access,
    tallies,
    memory: BulkLane.memoryIn(setup.bulkMemory, workers, engine.bodyStateBytes, seat),
    handshakes: tls?.handshakes,
    log,
    seat,
  });
}

/** Lines that the server's log would drop are not sent. */
function logOfThread(levels: readonly LogLevel[]): OperationLog {
  const at = (level: LogLevel) =>
    levels.includes(level)
      ? (fields: object, message?: string) => post({ type: 'log', level, fields, message })
      : () => {};
  return { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') };
}

async function answer(question: Question): Promise<Answer> {
  switch (question.kind) {
    case 'listen':
      stack = await openStack(question.ports);
      stack.learn(question.operations);
      try {
        await stack.listen();
        return {};
      } catch (error) {
        const { message, code } = error as NodeJS.ErrnoException;
        return { error: { message, code } };
      }
    case 'learn':
      stack!.learn(question.operations);
      return {};
    case 'snapshot':
      return { snapshot: stack!.snapshot() };
    case 'reloadTls':
      tls?.reload(question.by);
      return {};
    case 'reloadTokens':
      access.reload();
      return {};
    case 'drain':
      return stack!.drain(question.drainMs);
  }
}

port.on('message', (message: ToIoThread) => {
  if (message.type === 'news') {
    pool.receive(message.news);
    return;
  }
  const { serial } = message;
  // What goes wrong here is a defect, and nobody catches it.
  void answer(message.question).then((told) => post({ type: 'answer', serial, answer: told }));
});
