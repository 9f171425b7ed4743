/** What a worker thread needs for users' operations, as one module: threads that run the engine only never load it. */
export { loadOperations } from '../ops/load-operations.js';
export { guardJson } from '../ops/strict-json.js';
export { ThreadStates } from '../ops/thread-states.js';
export { runOperation } from './operation-runner.js';
