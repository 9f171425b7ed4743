/** The engine without a server: `import { loadEngine } from 'trama/engine'`. */
export { type Answer, Engine, type EngineCount, type Envelope, type FrameAnswer } from './engine.js';
export { floatText } from './host.js';
export { compileEngine, loadEngine } from './load.js';
export type { SumBuilder } from './sum-builder.js';
export { SumError } from './sum-error.js';
