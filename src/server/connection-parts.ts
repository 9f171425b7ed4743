import type { Logger } from 'pino';
import type { Engine } from '../engine/index.js';
import type { ByteBudget } from './byte-budget.js';
import type { Counters } from './counters.js';
import type { Dispatcher } from './dispatcher.js';
import type { EndLog } from './end-log.js';
import type { FrameBuffers } from './frame-buffers.js';
import type { ReplyBuffer } from './reply-buffer.js';
import type { SharedReads } from './shared-reads.js';

export interface ConnectionLimits {
  readonly maxFrameBytes: number;
  readonly unreadPauseBytes: number;
  readonly unreadCloseBytes: number;
  readonly frameTimeoutMs: number;
}

/** What all connections of a server share. */
export interface ConnectionParts {
  readonly engine: Engine;
  readonly dispatcher: Dispatcher;
  readonly counters: Counters;
  readonly ends: EndLog;
  readonly budget: ByteBudget;
  readonly buffers: FrameBuffers;
  readonly reads: SharedReads;
  readonly replies: ReplyBuffer;
  readonly limits: ConnectionLimits;
  readonly log: Logger;
}
