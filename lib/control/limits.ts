/** What one client of the control API, and all of them together, can make it hold. */

export interface ControlLimits {
  /** Of a request's line and fields. */
  readonly headBytes: number;
  /** Of a specification, a table, options. */
  readonly bodyBytes: number;
  /** Of a vocabulary file. */
  readonly vocabularyBytes: number;
  /** Of all bodies that are held at a time. */
  readonly uploadBytes: number;
  readonly connections: number;
  /** Changes that wait for their turn. */
  readonly waiting: number;
  /** Until a request's head has come. */
  readonly headMs: number;
  /** Until the whole request has come. */
  readonly requestMs: number;
  /** Of a connection between requests. */
  readonly idleMs: number;
  /** That a client may take nothing of an answer. */
  readonly slowMs: number;
}

export const CONTROL_LIMITS: ControlLimits = {
  headBytes: 16 << 10,
  bodyBytes: 4 << 20,
  vocabularyBytes: 128 << 20,
  uploadBytes: 256 << 20,
  connections: 64,
  waiting: 16,
  headMs: 5000,
  requestMs: 60_000,
  idleMs: 5000,
  slowMs: 10_000,
};
