/** The public API of the server: start one in your own process, and define operations for it. */
export type { Config } from './config/config.js';
export {
  ConfigError,
  type ErrorCode,
  errorTable,
  PoolError,
  ProtocolError,
  RequestError,
  TramaError,
  type WireErrorCode,
} from './errors.js';
export type { DataOf } from './ops/data-of.js';
export {
  defineOperation,
  type JsonSchema,
  type OperationContext,
  type OperationDefinition,
  type OperationLog,
  type SetupContext,
} from './ops/define-operation.js';
export type { OperationInfo } from './ops/operation-info.js';
export type { RunningServer, ServerConfig } from './server/server.js';
export type { ServerSnapshot, ServerView } from './server/server-view.js';
export { startServer } from './start-server.js';
