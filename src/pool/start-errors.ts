import { PoolError } from '../errors.js';
import type { Death } from './thread.js';

/** Why a pool, or a reload, could not start: one sentence for the operator. */

/**
 * Where there are modules to load, they are the likely cause; what is wrong with one of them says so by itself.
 * @param death of the thread; `undefined` where the system gave none
 */
export function firstStartFailed(reason: string, death: Death<unknown> | undefined, loadsModules: boolean): PoolError {
  return new PoolError('WORKER_FAILED', sentence(reason, death, loadsModules));
}

function sentence(reason: string, death: Death<unknown> | undefined, loadsModules: boolean): string {
  if (death === undefined) return `a worker thread could not be started: ${reason}`;
  const during = death.byItself ? `a worker thread ended while it loaded the operations: ${reason}` : reason;
  return loadsModules && !reason.startsWith('--ops: ') ? `--ops: ${during}` : during;
}

export function closedBeforeStart(): PoolError {
  return new PoolError('WORKER_FAILED', 'the pool was closed before it had started');
}
