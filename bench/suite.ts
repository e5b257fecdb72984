/** What a suite is, and what it is given. */
import type { Case } from './report.js';
import type { SharpPeer } from './sharp-peer.js';

export interface Context {
  /** How often each contestant is measured. */
  readonly rounds: number;
  /** Of suite text: the vocabulary that alone is measured. */
  readonly only: string | undefined;
  readonly sharp: SharpPeer | null;
  /** Says something beside the figures: what was checked, what was chosen. */
  note(text: string): void;
}

export interface Suite {
  readonly name: string;
  readonly what: string;
  run(context: Context): Promise<Case[]>;
}
