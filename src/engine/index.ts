/** The engine without a server: `import { loadEngine } from 'trama/engine'`. */
export { type Answer, type EchoAnswer, Engine, type EngineCount, type FrameAnswer } from './engine.js';
export type { Envelope } from './envelope.js';
export { floatText } from './host.js';
export { compileEngine, type EngineSource, loadEngine } from './load.js';
export type { SumBuilder } from './sum-builder.js';
export { SumError } from './sum-error.js';
