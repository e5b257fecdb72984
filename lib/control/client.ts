/** What speaks to a running plane: the control API's calls as methods. */
import { request as httpRequest, type IncomingMessage } from 'node:http';
import { pipeline } from 'node:stream/promises';
import type * as z from 'zod';
import { abortError } from '../abort.js';
import type { PlaneStats } from '../dataplane.js';
import { OnpathError } from '../errors.js';
import { ERROR_CODES, type ErrorCode } from '../generated/error-codes.js';
import type { Reloaded } from '../service/service.js';
import type { Snapshot } from '../service/snapshot.js';
import type { ListedVersion, RouteVersion } from '../swaps.js';
import { PcapngBlocks } from './pcapng-blocks.js';
import type { captureBody, pipelineAnswer, routesAnswer, vocabularyQuery } from './schemas.js';

/** Of an answer; a snapshot of a plane with hundreds of routes is a few megabytes. */
const MOST_BYTES = 64 << 20;
/** The longest that a plane takes to answer: a swap waits for the deadline of open samples. */
const PATIENCE_MS = 120_000;

interface Call {
  readonly method: 'GET' | 'PUT' | 'POST';
  /** Its parts, as they are. */
  readonly path: readonly string[];
  readonly query?: Readonly<Record<string, string | undefined>>;
  readonly body?: Uint8Array | string;
  readonly type?: string;
  readonly signal?: AbortSignal | undefined;
}

/**
 * A client of one plane's control API. Every method throws the OnpathError that the plane answered with, or NOT_FOUND (no plane there),
 * PERMISSION_DENIED (another user's), PORT_FAILED (what is there does not answer as a plane does), ABORTED.
 *
 * @example
 * const client = new ControlClient('/run/onpath/control.sock');
 * const { state, uptimeSeconds } = await client.status();
 */
export class ControlClient {
  readonly #socket: string;
  /** @param socket Path of the control socket. */
  constructor(socket: string) {
    this.#socket = socket;
  }

  status(signal?: AbortSignal): Promise<Snapshot> {
    return this.#json({ method: 'GET', path: ['v1', 'status'], signal });
  }
  stats(signal?: AbortSignal): Promise<PlaneStats> {
    return this.#json({ method: 'GET', path: ['v1', 'stats'], signal });
  }
  async routes(): Promise<z.infer<typeof routesAnswer>['routes']> {
    const { routes } = await this.#json<z.infer<typeof routesAnswer>>({
      method: 'GET',
      path: ['v1', 'routes'],
    });
    return routes;
  }
  /** Newest first. */
  async versions(route: string): Promise<ListedVersion[]> {
    const { versions } = await this.#json<{ versions: ListedVersion[] }>({
      method: 'GET',
      path: ['v1', 'routes', route, 'versions'],
    });
    return versions;
  }

  /**
   * @param specification In YAML or JSON.
   * @param options.folder Absolute: where files lie that it names; default: beside the plane's configuration.
   */
  setPipeline(
    route: string,
    specification: Uint8Array | string,
    options: { readonly check?: boolean; readonly folder?: string; readonly signal?: AbortSignal } = {},
  ): Promise<z.infer<typeof pipelineAnswer>> {
    return this.#json({
      method: 'PUT',
      path: ['v1', 'routes', route, 'pipeline'],
      query: { check: String(options.check === true), folder: options.folder },
      body: specification,
      type: 'application/yaml',
      signal: options.signal,
    });
  }
  /** @param version Default: the one before that which runs now. */
  rollback(route: string, version?: number, signal?: AbortSignal): Promise<RouteVersion[]> {
    return this.#change({
      method: 'POST',
      path: ['v1', 'routes', route, 'rollback'],
      body: JSON.stringify({ version }),
      type: 'application/json',
      signal,
    });
  }
  /** @param content Of an .npy file, or JSON as table files have it. */
  setTable(name: string, content: Uint8Array, signal?: AbortSignal): Promise<RouteVersion[]> {
    return this.#change({
      method: 'PUT',
      path: ['v1', 'tables', name],
      body: content,
      type: 'application/octet-stream',
      signal,
    });
  }
  /** @param content Of a vocabulary file. */
  setVocabulary(
    name: string,
    content: Uint8Array,
    options: z.infer<typeof vocabularyQuery> & { readonly signal?: AbortSignal } = {},
  ): Promise<RouteVersion[]> {
    const { signal, ...query } = options;
    return this.#change({
      method: 'PUT',
      path: ['v1', 'vocabularies', name],
      query,
      body: content,
      type: 'application/octet-stream',
      signal,
    });
  }
  reload(options: { readonly check?: boolean; readonly signal?: AbortSignal } = {}): Promise<Reloaded> {
    const { check, signal } = options;
    return this.#json({
      method: 'POST',
      path: ['v1', 'reload'],
      query: { check: String(check === true) },
      signal,
    });
  }

  /**
   * Writes pcapng until a bound is reached or `signal` is aborted; what is written can be read in either case.
   * @param target Called when the plane has begun; its stream is ended, unless it is standard output.
   * @returns Packets that were written, and how many were missed; undefined if it was aborted, as nobody knows then.
   */
  async capture(
    options: z.input<typeof captureBody>,
    target: () => Promise<NodeJS.WritableStream>,
    signal?: AbortSignal,
  ): Promise<{ packets: number; missed: number | undefined }> {
    const answer = await this.#answer({
      method: 'POST',
      path: ['v1', 'captures'],
      body: JSON.stringify(options),
      type: 'application/json',
      signal,
    });
    const blocks = new PcapngBlocks();
    const failed = (cause: unknown) => this.#unreachable(cause as Error);
    async function* whole() {
      try {
        for await (const piece of answer as AsyncIterable<Buffer>) yield blocks.push(piece);
      } catch (error) {
        if (!signal?.aborted) throw failed(error);
      }
    }
    try {
      const to = await target();
      await pipeline(whole, to, { end: to !== process.stdout });
    } finally {
      // What is not taken to its end is not to go on.
      answer.destroy();
    }
    const { 'onpath-packets': written, 'onpath-missed': missed } = answer.trailers;
    if (written === undefined && !signal?.aborted) throw this.#broken('ended in the middle of the capture');
    return { packets: blocks.packets, missed: missed === undefined ? undefined : Number(missed) };
  }

  async #change(call: Call): Promise<RouteVersion[]> {
    return (await this.#json<{ versions: RouteVersion[] }>(call)).versions;
  }

  async #json<T>(call: Call): Promise<T> {
    const text = await this.#text(await this.#answer(call));
    try {
      return JSON.parse(text) as T;
    } catch {
      throw this.#broken('answered with no JSON');
    }
  }

  /** Of a call that was taken. */
  async #answer(call: Call): Promise<IncomingMessage> {
    const answer = await this.#send(call);
    if (answer.statusCode === 200) return answer;
    throw this.#failure(await this.#text(answer), answer.statusCode);
  }

  #send({ method, path, query = {}, body, type, signal }: Call): Promise<IncomingMessage> {
    const asked = new URLSearchParams(
      Object.entries(query).filter((entry): entry is [string, string] => entry[1] !== undefined),
    ).toString();
    const headers = {
      ...(type !== undefined && { 'content-type': type }),
      ...(body !== undefined && { 'content-length': Buffer.byteLength(body) }),
    };
    return new Promise((resolve, reject) => {
      const sent = httpRequest({
        socketPath: this.#socket,
        path: `/${path.map(encodeURIComponent).join('/')}${asked === '' ? '' : `?${asked}`}`,
        method,
        headers,
        ...(signal !== undefined && { signal }),
        timeout: PATIENCE_MS,
      });
      let answered = false;
      sent.once('response', (answer) => {
        answered = true;
        sent.setTimeout(0);
        resolve(answer);
      });
      sent.once('timeout', () => sent.destroy(this.#broken(`did not answer within ${PATIENCE_MS / 1000} s`)));
      // A plane that refuses a body may close before all of it is written: its answer counts.
      sent.on('error', (cause) => {
        if (!answered) reject(signal?.aborted ? abortError(signal) : this.#unreachable(cause));
      });
      sent.end(body);
    });
  }

  async #text(answer: IncomingMessage): Promise<string> {
    const pieces: Buffer[] = [];
    let length = 0;
    try {
      for await (const piece of answer as AsyncIterable<Buffer>) {
        length += piece.length;
        if (length > MOST_BYTES) throw this.#broken(`answered with more than ${MOST_BYTES} bytes`);
        pieces.push(piece);
      }
    } catch (cause) {
      throw this.#unreachable(cause as Error);
    }
    return Buffer.concat(pieces).toString('utf8');
  }

  #failure(text: string, status: number | undefined): OnpathError {
    try {
      const { code, message } = (JSON.parse(text) as { error: { code: string; message: string } }).error;
      return new OnpathError(Object.hasOwn(ERROR_CODES, code) ? (code as ErrorCode) : 'PORT_FAILED', message);
    } catch {
      return this.#broken(`answered with status ${status} and no error of ours`);
    }
  }

  #broken(what: string): OnpathError {
    return new OnpathError(
      'PORT_FAILED',
      `What listens on ${this.#socket} ${what}. Is it a plane of this version?`,
    );
  }

  #unreachable(cause: Error): OnpathError {
    if (cause instanceof OnpathError) return cause;
    const { code } = cause as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ECONNREFUSED' || code === 'ENOTDIR') {
      return new OnpathError(
        'NOT_FOUND',
        `No plane listens on ${this.#socket}. Start one with onpath run CONFIG --control ${this.#socket}, or name its socket with --socket or ONPATH_SOCKET.`,
        { cause },
      );
    }
    if (code === 'EACCES' || code === 'EPERM') {
      return new OnpathError(
        'PERMISSION_DENIED',
        `The control socket ${this.#socket} belongs to another user. Run this as the user that runs the plane, or as root.`,
        { cause },
      );
    }
    if (code === 'ECONNRESET' || code === 'EPIPE') {
      return this.#broken('closed the connection before the answer had come: it has too many, or it ends');
    }
    return new OnpathError(
      'PORT_FAILED',
      `The plane on ${this.#socket} cannot be asked (${cause.message}).`,
      {
        cause,
      },
    );
  }
}
