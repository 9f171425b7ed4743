/**
 * The states of a worker thread as the pool sees it.
 *
 *     starting ──ready──▶ idle ──run──▶ busy ──stop──▶ stopping
 *                          ▲ │           │ done          │ done      (`done` also for a task that never began)
 *                          │ └──leave──▶ leaving         │
 *                          └─────────────┴───────────────┘
 *     any of them ──end──▶ ending ──exit──▶ dead        any of them ──exit──▶ dead
 *
 * `stopping`: the task has its outcome already; the thread has a moment to come back by itself. `leaving`: it gets no more
 * tasks, and tears down what its operations have set up. `ending`: it is being torn down; nothing that it still says
 * counts. A spare is not a state: it is an idle thread beyond those that may be busy at once.
 */
export type ThreadState = 'starting' | 'idle' | 'busy' | 'stopping' | 'leaving' | 'ending' | 'dead';
export type ThreadEvent = 'ready' | 'run' | 'done' | 'stop' | 'leave' | 'end' | 'exit';

export const transitions: { readonly [State in ThreadState]: { readonly [Event in ThreadEvent]?: ThreadState } } = {
  starting: { ready: 'idle', end: 'ending', exit: 'dead' },
  idle: { run: 'busy', leave: 'leaving', end: 'ending', exit: 'dead' },
  busy: { done: 'idle', stop: 'stopping', end: 'ending', exit: 'dead' },
  stopping: { done: 'idle', end: 'ending', exit: 'dead' },
  leaving: { end: 'ending', exit: 'dead' },
  ending: { exit: 'dead' },
  dead: {},
};
