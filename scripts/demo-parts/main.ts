/**
 * The main job on real input: a photograph from our sender, frames from GStreamer and FFmpeg, cropped, resized and normalized while they
 * arrive, and compared with Pillow. First on kernel sockets, then on DPDK ports.
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { type ChannelFormat, Pipeline } from '../../lib/index.js';
import { type Measurement, measure } from './measure.js';
import { packageRoot } from './paths.js';
import { sendPrompt } from './prompt.js';
import { report, toPixels } from './report.js';
import { expectedTensors, type Geometry, hasCommand, hasPillow, pillowVersion, run } from './tools.js';
import { dpdkVenues, loopback, type Venue } from './venue.js';

const SIZE = 224;
const MEAN = [0.485, 0.456, 0.406];
const STD = [0.229, 0.224, 0.225];
const PHOTO_SAMPLES = 200;
const VIDEO = { width: 640, height: 480, frames: 60, rate: 60 };

const PROMPT = `${'This is an example of an input prompt. '.repeat(6)}And here, after the others, it ends.`;

const usage = `usage: scripts/demo [photo]

Sends a photograph (PNG, JPEG, WebP; default: test/data/astronaut.png) and live video frames as RTP packets, receives them as 224x224
ImageNet-normalized float32 tensors, and compares every one with Pillow. First through kernel sockets on loopback; then, as root with DPDK,
from hosts in a network namespace to DPDK ports on a veth pair (net_af_packet, then net_af_xdp). Pictures go to build/demo/.

  scripts/demo                 the default photograph
  scripts/demo holiday.jpg     your own

Then a prompt travels the same ways, and its tokens are printed as they come, while the rest is still under way.

  scripts/demo --prompt 'Tell me a story' --tokenizer tokenizer.json
`;

interface Photo {
  readonly pixels: Uint8Array;
  readonly width: number;
  readonly height: number;
}

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      help: { type: 'boolean', short: 'h' },
      prompt: { type: 'string' },
      tokenizer: { type: 'string' },
    },
  });
  if (values.help || positionals.length > 1) {
    console.log(usage);
    return values.help ? 0 : 2;
  }
  const sharp = await loadSharp();
  const oracle = hasPillow();
  console.log(
    oracle
      ? `Oracle: Pillow ${pillowVersion()}.`
      : 'Left out: comparison with Pillow (python3-pil and python3-numpy are missing).',
  );
  const work = mkdtempSync(join(tmpdir(), 'onpath-demo-'));
  const pictures = fileURLToPath(new URL('build/demo/', packageRoot));
  mkdirSync(pictures, { recursive: true });
  const verdicts: boolean[] = [];
  const finish = async (title: string, name: string, result: Measurement) => {
    verdicts.push(report(title, result));
    if (result.last !== undefined && sharp !== undefined) {
      const file = join(pictures, `${name}.png`);
      await sharp(toPixels(result.last, SIZE), { raw: { width: SIZE, height: SIZE, channels: 3 } })
        .png()
        .toFile(file);
      console.log(`  ${'picture'.padEnd(9)} ${file}`);
    }
  };
  // Ends by signal run the clean-up of an ordinary end.
  for (const [signal, code] of [
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const) {
    process.once(signal, () => process.exit(code));
  }
  try {
    const photo = await readPhoto(sharp, positionals[0]);
    const raw = join(work, 'photo.rgb');
    writeFileSync(raw, photo.pixels);
    const geometry = geometryOf(photo.width, photo.height);
    console.log(`\n${pipelineFor(geometry, 'rgb').explain()}`);
    const perform = async (venue: Venue) => {
      console.log(`\n== ${venue.title}`);
      for (const payload of ['chunk', 'rfc4175'] as const) {
        const title = `Photograph ${photo.width}x${photo.height}, our sender, ${payload === 'chunk' ? 'onpath chunks' : 'RFC 4175'}`;
        const result = await sendPhoto(venue, raw, geometry, payload, oracle);
        await finish(title, `photo-${payload}-${venue.name}`, result);
      }
      for (const sender of videoSenders) {
        if (!hasCommand(sender.command, sender.check)) {
          console.log(
            `\nLeft out: ${sender.title} (${sender.command} is not installed; scripts/setup senders installs it as root).`,
          );
          continue;
        }
        const result = await sendVideo(venue, sender, work, oracle);
        await finish(`${sender.title}, RFC 4175`, `${sender.name}-${venue.name}`, result);
      }
    };
    await perform(loopback);
    for await (using venue of dpdkVenues()) await perform(venue);
    verdicts.push(await sendPrompt(values.prompt ?? PROMPT, values.tokenizer));
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
  const good = verdicts.every(Boolean);
  console.log(`\nexact: ${good ? (oracle ? 'yes' : 'not checked') : 'NO'}`);
  return good ? 0 : 1;
}

function pipelineFor(geometry: Geometry, format: ChannelFormat): Pipeline {
  const { width, height, crop, size } = geometry;
  return Pipeline.compile({
    input: { kind: 'image', width, height, format },
    stages: [
      { stage: 'centerCrop', width: crop, height: crop },
      { stage: 'resize', width: size, height: size },
      ...(format === 'rgb' ? [] : [{ stage: 'channels' as const, to: 'rgb' as const }]),
      { stage: 'normalize', mean: MEAN, std: STD },
    ],
    output: { dtype: 'float32', layout: 'chw' },
  });
}

/** The usual share of the shorter side: 224 of 256. */
function geometryOf(width: number, height: number): Geometry {
  return { width, height, crop: Math.max(1, Math.floor((Math.min(width, height) * 7) / 8)), size: SIZE };
}

async function sendPhoto(
  venue: Venue,
  raw: string,
  geometry: Geometry,
  payload: 'chunk' | 'rfc4175',
  oracle: boolean,
): Promise<Measurement> {
  const { plane, address, port } = await venue.open('photo', payload, pipelineFor(geometry, 'rgb'));
  await using _ = plane;
  const program = fileURLToPath(new URL('send-photo.js', import.meta.url));
  const args = [
    ['--file', raw, '--to', `${address}:${port}`, '--payload', payload],
    ['--width', `${geometry.width}`, '--height', `${geometry.height}`],
    ['--count', `${PHOTO_SAMPLES}`, '--bits-per-second', `${venue.bitsPerSecond}`],
  ].flat();
  return await measure(
    plane,
    'photo',
    PHOTO_SAMPLES,
    () => run(...venue.command(process.execPath, [program, ...args])),
    oracle ? expectedTensors(raw, geometry) : undefined,
  );
}

interface VideoSender {
  readonly name: string;
  readonly title: string;
  readonly command: string;
  readonly check: string;
  readonly format: ChannelFormat;
  args(to: { address: string; port: number }, rawFrames: string): string[];
}

const { width, height, frames, rate } = VIDEO;
const videoSenders: readonly VideoSender[] = [
  {
    name: 'gstreamer',
    title: `GStreamer ${width}x${height}, ${frames} frames`,
    command: 'gst-launch-1.0',
    check: '--version',
    format: 'rgb',
    args: ({ address, port }, raw) =>
      [
        `-q videotestsrc num-buffers=${frames} horizontal-speed=8 is-live=true`,
        `! video/x-raw,format=RGB,width=${width},height=${height},framerate=${rate}/1 ! tee name=t`,
        `t. ! queue ! rtpvrawpay mtu=1400 ! udpsink host=${address} port=${port}`,
        `t. ! queue ! filesink location=${raw}`,
      ]
        .join(' ')
        .split(' '),
  },
  {
    name: 'ffmpeg',
    title: `FFmpeg ${width}x${height}, ${frames} frames`,
    command: 'ffmpeg',
    check: '-version',
    format: 'rgb',
    args: ({ address, port }, raw) =>
      [
        `-hide_banner -loglevel error -nostdin -y -re -f lavfi -i testsrc=size=${width}x${height}:rate=${rate}`,
        `-map 0:v -frames:v ${frames} -pix_fmt rgb24 -c:v rawvideo -payload_type 96 -f rtp rtp://${address}:${port}?pkt_size=1400`,
        `-map 0:v -frames:v ${frames} -pix_fmt rgb24 -f rawvideo ${raw}`,
      ]
        .join(' ')
        .split(' '),
  },
];

async function sendVideo(
  venue: Venue,
  sender: VideoSender,
  work: string,
  oracle: boolean,
): Promise<Measurement> {
  const geometry = geometryOf(width, height);
  const to = await venue.open('video', 'rfc4175', pipelineFor(geometry, sender.format));
  await using plane = to.plane;
  const raw = join(work, `${sender.name}.raw`);
  let sent: () => void = () => {};
  const written = new Promise<void>((resolve) => {
    sent = resolve;
  });
  return await measure(
    plane,
    'video',
    frames,
    async () => {
      await run(...venue.command(sender.command, sender.args(to, raw)));
      sent();
    },
    oracle ? written.then(() => expectedTensors(raw, geometry)) : undefined,
  );
}

type Sharp = typeof import('sharp');

async function loadSharp(): Promise<Sharp | undefined> {
  try {
    return (await import('sharp')).default;
  } catch {
    console.log(
      'Left out: reading photographs and writing pictures (the optional dependency sharp is not installed).',
    );
    return undefined;
  }
}

async function readPhoto(sharp: Sharp | undefined, file: string | undefined): Promise<Photo> {
  if (sharp === undefined) return synthetic();
  const path = file ?? fileURLToPath(new URL('test/data/astronaut.png', packageRoot));
  try {
    const { data, info } = await sharp(path)
      .removeAlpha()
      .toColourspace('srgb')
      .raw()
      .toBuffer({ resolveWithObject: true });
    return { pixels: data, width: info.width, height: info.height };
  } catch (error) {
    throw new Error(
      `Cannot read the photograph ${path}: ${(error as Error).message}. Give a PNG, JPEG or WebP file.`,
    );
  }
}

/** Stands in where nothing can decode a photograph; said so above. */
function synthetic(): Photo {
  const side = 512;
  const pixels = Uint8Array.from({ length: side * side * 3 }, (_, i) => (i * 2654435761) >>> 24);
  return { pixels, width: side, height: side };
}

main().then(
  (code) => {
    process.exitCode = code;
  },
  (error: unknown) => {
    console.error(`demo: ${error instanceof Error ? error.message : String(error)}`);
    process.exitCode = 1;
  },
);
