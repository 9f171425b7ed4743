/** For the tests of those who write operations: `import { testOperations } from 'trama/testing'`. */

export {
  type LoggedLine,
  type TestCallOptions,
  type TestedOperations,
  type TestOptions,
  testOperations,
} from './test-operations.js';
export type { AsJson, CallsOf } from './types.js';
