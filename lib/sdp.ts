/** Session descriptions (RFC 8866) of raw video (RFC 4175), as GStreamer and FFmpeg print them. */
import { isIP } from 'node:net';
import { OnpathError } from './errors.js';
import type { InputFormat } from './schema.js';

/** What a route needs to know of a stream. */
export interface VideoDescription {
  readonly address: string;
  readonly udpPort: number;
  readonly payloadType: number;
  readonly payload: 'rfc4175';
  readonly input: {
    readonly kind: 'image';
    readonly width: number;
    readonly height: number;
    readonly format: InputFormat;
  };
  /** Of `uyvy`: the colorimetry as the SDP has it, such as "BT601-5". */
  readonly colorimetry?: string;
  /** Of `uyvy`: what a `toRgb` stage needs to know, where `colorimetry` names a matrix that it has. */
  readonly toRgb?: { readonly matrix: 'bt601' | 'bt709'; readonly range: 'studio' | 'full' };
}

const SAMPLINGS: Readonly<Record<string, InputFormat>> = {
  RGB: 'rgb',
  RGBA: 'rgba',
  BGR: 'bgr',
  BGRA: 'bgra',
  'YCbCr-4:2:2': 'uyvy',
};
/** By the names of RFC 4175 and, without the edition, of SMPTE ST 2110-20. */
const MATRICES: Readonly<Record<string, 'bt601' | 'bt709'>> = {
  'BT601-5': 'bt601',
  BT601: 'bt601',
  'BT709-2': 'bt709',
  BT709: 'bt709',
};
const LONGEST_SDP = 65536;

/**
 * Reads the first raw video stream of an SDP text.
 * @throws OnpathError INVALID_ARGUMENT if there is none or a field is missing; UNSUPPORTED, by name, for samplings, depths and
 *   interlacing that cannot be carried out exactly.
 */
export function parseSdp(text: string): VideoDescription {
  if (typeof text !== 'string' || text.length > LONGEST_SDP) {
    throw new OnpathError('INVALID_ARGUMENT', `An SDP must be a text of at most ${LONGEST_SDP} characters.`);
  }
  let session = '';
  for (const section of sections(text)) {
    const media = /^m=video (\d{1,5})(?:\/\d+)? RTP\/AVPF? (.+)$/.exec(section[0] ?? '');
    if (media === null) {
      if (!section[0]?.startsWith('m=')) session = connection(section) ?? '';
      continue;
    }
    const found = rawVideo(section, (media[2] ?? '').split(' '));
    if (found === undefined) continue;
    const address = connection(section) ?? session;
    if (isIP(address) === 0) {
      throw new OnpathError(
        'INVALID_ARGUMENT',
        `The SDP has no usable c= line (received "${address}"). Expected such as c=IN IP4 127.0.0.1.`,
      );
    }
    return {
      address,
      udpPort: numberIn(media[1], 1, 65535, 'port of the m= line'),
      payloadType: found.payloadType,
      payload: 'rfc4175',
      ...inputOf(found.parameters),
    };
  }
  throw new OnpathError(
    'INVALID_ARGUMENT',
    'The SDP names no video stream with a=rtpmap:<type> raw/90000 (RFC 4175).',
  );
}

/** The session part, then one list of lines per m= line. */
function sections(text: string): string[][] {
  const parts: string[][] = [[]];
  for (const line of text.split(/\r?\n/)) {
    if (line.startsWith('m=')) parts.push([line]);
    else parts[parts.length - 1]!.push(line);
  }
  return parts;
}

function connection(lines: readonly string[]): string | undefined {
  for (const line of lines) {
    const match = /^c=IN IP[46] ([^/\s]+)/.exec(line);
    if (match) return match[1];
  }
  return undefined;
}

function rawVideo(
  lines: readonly string[],
  types: readonly string[],
): { payloadType: number; parameters: Map<string, string> } | undefined {
  for (const line of lines) {
    const map = /^a=rtpmap:(\d{1,3}) raw\/90000(?:\/1)?\s*$/i.exec(line);
    if (map === null || !types.includes(map[1]!)) continue;
    const payloadType = numberIn(map[1], 0, 127, 'payload type');
    const format = lines.find((other) => other.startsWith(`a=fmtp:${map[1]} `));
    const parameters = new Map<string, string>();
    for (const field of (format ?? '').replace(/^a=fmtp:\d+ /, '').split(';')) {
      const [key, ...rest] = field.trim().split('=');
      if (key) parameters.set(key.toLowerCase(), rest.join('='));
    }
    return { payloadType, parameters };
  }
  return undefined;
}

function inputOf(
  parameters: ReadonlyMap<string, string>,
): Pick<VideoDescription, 'input' | 'colorimetry' | 'toRgb'> {
  const input = { kind: 'image', ...geometry(parameters) } as const;
  const colorimetry = parameters.get('colorimetry');
  if (input.format !== 'uyvy' || colorimetry === undefined) return { input };
  const matrix = byName(MATRICES, colorimetry);
  if (matrix === undefined) return { input, colorimetry };
  // ST 2110-20; RFC 4175 knows studio levels only.
  const range = /^FULL/i.test(parameters.get('range') ?? '') ? 'full' : 'studio';
  return { input, colorimetry, toRgb: { matrix, range } };
}

/** The value under a name, in whatever case that is written. */
function byName<Value>(values: Readonly<Record<string, Value>>, name: string): Value | undefined {
  const wanted = name.toUpperCase();
  return Object.entries(values).find(([key]) => key.toUpperCase() === wanted)?.[1];
}

function geometry(parameters: ReadonlyMap<string, string>): {
  width: number;
  height: number;
  format: InputFormat;
} {
  const sampling = parameters.get('sampling') ?? '';
  const depth = parameters.get('depth') ?? '';
  if (parameters.has('interlace')) {
    throw new OnpathError(
      'UNSUPPORTED',
      'The SDP announces interlaced video; only progressive frames are supported.',
    );
  }
  const format = byName(SAMPLINGS, sampling);
  if (format === undefined) {
    throw new OnpathError(
      'UNSUPPORTED',
      `sampling=${sampling || '(none)'} is not supported here; supported are ${Object.keys(SAMPLINGS).join(', ')}. Convert at the sender.`,
    );
  }
  if (depth !== '8') {
    throw new OnpathError(
      'UNSUPPORTED',
      `depth=${depth || '(none)'} is not supported; only 8-bit samples are.`,
    );
  }
  return {
    width: numberIn(parameters.get('width'), 1, 32767, 'width'),
    height: numberIn(parameters.get('height'), 1, 32767, 'height'),
    format,
  };
}

function numberIn(text: string | undefined, low: number, high: number, what: string): number {
  const value = /^\d{1,5}$/.test(text ?? '') ? Number(text) : Number.NaN;
  if (!(value >= low && value <= high)) {
    throw new OnpathError(
      'INVALID_ARGUMENT',
      `${what} of the SDP must be from ${low} to ${high}, received "${text ?? ''}".`,
    );
  }
  return value;
}
