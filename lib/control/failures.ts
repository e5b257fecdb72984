/** Errors as answers: onpath's codes, a fitting HTTP status, one sentence. */
import type { Socket } from 'node:net';
import { OnpathError } from '../errors.js';
import type { ErrorCode } from '../generated/error-codes.js';

const STATUS: Partial<Record<ErrorCode, number>> = {
  INVALID_ARGUMENT: 400,
  INVALID_SPEC: 400,
  INVALID_PLAN: 400,
  INVALID_VOCABULARY: 400,
  SPECIAL_TOKEN: 400,
  RUN_TOO_LONG: 400,
  PERMISSION_DENIED: 403,
  NOT_FOUND: 404,
  LIMIT_EXCEEDED: 413,
  UNSUPPORTED: 422,
  BUSY: 503,
  CLOSED: 503,
  ABORTED: 503,
  OUT_OF_MEMORY: 507,
};

export interface Failure {
  readonly status: number;
  readonly body: { readonly error: { readonly code: string; readonly message: string } };
}

/** Of whatever was thrown: by us, by the HTTP framework, or by mistake. */
export function failureOf(error: unknown): Failure {
  if (error instanceof OnpathError) return failure(STATUS[error.code] ?? 500, error.code, error.message);
  const { statusCode, message } = error as { statusCode?: unknown; message?: unknown };
  if (typeof statusCode === 'number' && statusCode >= 400 && statusCode < 500) {
    return failure(statusCode, 'INVALID_ARGUMENT', `The request cannot be read: ${String(message)}.`);
  }
  return failure(500, 'ERROR', `The request failed: ${String(message)}.`);
}

export function failure(status: number, code: ErrorCode | 'ERROR', message: string): Failure {
  return { status, body: { error: { code, message: message.replace(/\.\.$/, '.') } } };
}

/** Answers what is no HTTP, came too slowly or has too long a head; there is no request then, only the connection. */
export function refuseConnection(error: NodeJS.ErrnoException, socket: Socket): void {
  if (!socket.writable || socket.bytesWritten > 0) {
    socket.destroy();
    return;
  }
  const [status, sentence] = httpProblem(error.code);
  const body = JSON.stringify(failure(Number(status.slice(0, 3)), 'INVALID_ARGUMENT', sentence).body);
  const head = `HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Length: ${Buffer.byteLength(body)}`;
  socket.end(`${head}\r\n\r\n${body}`, () => socket.destroy());
}

function httpProblem(code: string | undefined): [string, string] {
  switch (code) {
    case 'ERR_HTTP_REQUEST_TIMEOUT':
      return ['408 Request Timeout', 'The request did not come to its end in time. Send it in one go.'];
    case 'HPE_HEADER_OVERFLOW':
      return [
        '431 Request Header Fields Too Large',
        'The head of the request is too long. Leave fields out.',
      ];
    default:
      return [
        '400 Bad Request',
        'What was sent is no HTTP request. GET /openapi.json says what can be asked.',
      ];
  }
}
