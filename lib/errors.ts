/** The one error class of the package. */
import type { ErrorCode } from './generated/error-codes.js';

/**
 * Every error that onpath throws. `code` is stable (docs/error-codes.md); the message names what was received, what was expected and
 * what to do.
 */
export class OnpathError extends Error {
  override readonly name = 'OnpathError';
  readonly code: ErrorCode;

  constructor(code: ErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
