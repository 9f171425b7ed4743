/** What is fuzzed, by `npm test` for some seconds and by `npm run fuzz` for as long as one likes. */
import type { FuzzTarget } from '../support/fuzz.js';
import { frameRouterTarget } from './frame-router.js';
import { proxyHeaderTarget } from './proxy-header.js';

export const fuzzTargets: readonly FuzzTarget[] = [proxyHeaderTarget, frameRouterTarget];
