/** What the addon tells of a plane's workers and ports. */

/** Something that happened to a worker or a port. `at`: milliseconds since the Unix epoch. */
export interface NativePlaneEvent {
  type:
    | 'workerFenced'
    | 'workerRecovered'
    | 'workerAbandoned'
    | 'linkDown'
    | 'linkUp'
    | 'portRemoved'
    | 'portRecovered';
  /** One of these two. */
  worker?: number;
  port?: string;
  at: number;
  cause: string;
  times: number;
  missed: number;
}

export interface NativePlaneEvents {
  next(): NativePlaneEvent | undefined;
  /** Called on the event loop, coalesced, when next() may have something again. */
  onReady(notify?: () => void): void;
}
