/**
 * What a module of operations needs, and no more, since every worker thread loads it:
 * `import { defineOperation } from 'trama/ops'`.
 */
export { RequestError } from '../errors.js';
export {
  defineOperation,
  type JsonSchema,
  type OperationContext,
  type OperationDefinition,
  type OperationLog,
} from './define-operation.js';
