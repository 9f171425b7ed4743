import type { Engine } from '../../engine/index.js';
import type { OperationLog } from '../../ops/define-operation.js';
import type { Access } from '../access/access.js';
import type { ByteBudget } from '../byte-budget.js';
import type { EndLog } from '../end-log.js';
import type { Observer } from '../observer.js';
import type { Dispatcher } from '../requests/dispatcher.js';
import type { BodyStates } from './echo-body.js';
import type { FrameBuffers } from './frame-buffers.js';
import type { LoopShare } from './loop-share.js';
import type { ReplyStage } from './reply-stage.js';

export interface ConnectionLimits {
  readonly maxFrameBytes: number;
  readonly unreadPauseBytes: number;
  readonly frameTimeoutMs: number;
  /** From the accept; 0 for none. */
  readonly firstFrameTimeoutMs: number;
  /** 0 for none. */
  readonly idleTimeoutMs: number;
  /** Bytes a second of a body that is answered as it comes. */
  readonly minSendRate: number;
  /** Milliseconds in which a peer with unread replies must be seen to take some of them. */
  readonly unreadPatienceMs: number;
}

/** What all connections of an I/O thread share. */
export interface ConnectionParts {
  /** The engine of the thread. */
  readonly engine: () => Engine;
  /** The engine has failed, and another one is to take its place. */
  readonly renewEngine: () => void;
  readonly dispatcher: Dispatcher;
  readonly access: Access;
  readonly observer: Observer;
  readonly ends: EndLog;
  readonly budget: ByteBudget;
  readonly buffers: FrameBuffers;
  readonly bodyStates: BodyStates;
  readonly stage: ReplyStage;
  readonly loop: LoopShare;
  readonly limits: ConnectionLimits;
  readonly log: OperationLog;
}
