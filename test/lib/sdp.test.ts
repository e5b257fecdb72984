// Session descriptions as GStreamer and FFmpeg print them; what cannot be received exactly is refused by name.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { OnpathError, parseSdp } from '../../lib/index.js';
import { assertThrows } from '../support/assert.js';

/** What `ffmpeg -f rtp -sdp_file` writes. */
const ffmpeg = (fmtp: string, type = 96) => `v=0
o=- 0 0 IN IP4 127.0.0.1
s=No Name
c=IN IP4 127.0.0.1
t=0 0
a=tool:libavformat LIBAVFORMAT_VERSION
m=video 40002 RTP/AVP ${type}
b=AS:368
a=rtpmap:${type} raw/90000
a=fmtp:${type} ${fmtp}
`;

/** What GStreamer's RTSP server and sdp elements write: upper case, and parameters in another order. */
const gstreamer = (parameters: string) =>
  [
    'v=0',
    'o=- 16545465876549 1 IN IP4 192.0.2.7',
    's=Session streamed with GStreamer',
    'i=rtsp-server',
    't=0 0',
    'a=tool:GStreamer',
    'a=type:broadcast',
    'a=control:*',
    'a=range:npt=now-',
    'm=video 5004 RTP/AVP 112',
    'c=IN IP4 239.1.2.3/64',
    'b=AS:220000',
    'a=rtpmap:112 RAW/90000',
    'a=framerate:30',
    `a=fmtp:112 ${parameters}`,
    'a=ts-refclk:local',
    'a=mediaclk:sender',
    '',
  ].join('\r\n');

describe('an SDP of raw video', () => {
  test('as FFmpeg prints it: RGB and BGR', () => {
    for (const [sampling, format] of [
      ['RGB', 'rgb'],
      ['BGR', 'bgr'],
    ] as const) {
      assert.deepEqual(parseSdp(ffmpeg(`sampling=${sampling}; width=64; height=48; depth=8`)), {
        address: '127.0.0.1',
        udpPort: 40002,
        payloadType: 96,
        payload: 'rfc4175',
        input: { kind: 'image', width: 64, height: 48, format },
      });
    }
  });

  test('as GStreamer prints it: CRLF, upper case, multicast with a lifetime, other parameters between', () => {
    const sdp = gstreamer(
      'sampling=RGBA;depth=8;width=1920;height=1080;colorimetry=SMPTE240M;PM=2110GPM;SSN=ST2110-20:2017',
    );
    assert.deepEqual(parseSdp(sdp), {
      address: '239.1.2.3',
      udpPort: 5004,
      payloadType: 112,
      payload: 'rfc4175',
      input: { kind: 'image', width: 1920, height: 1080, format: 'rgba' },
    });
  });

  test('4:2:2 with the matrix that its colorimetry names', () => {
    const described = (more: string) => {
      const { input, colorimetry, toRgb } = parseSdp(
        gstreamer(`sampling=YCbCr-4:2:2;depth=8;width=1920;height=1080${more}`),
      );
      assert.deepEqual(input, { kind: 'image', width: 1920, height: 1080, format: 'uyvy' });
      return { colorimetry, ...toRgb };
    };
    const none = { colorimetry: undefined };
    assert.deepEqual(described(''), none);
    for (const [text, matrix] of [
      ['BT601-5', 'bt601'],
      ['BT709-2', 'bt709'],
      ['BT601', 'bt601'],
      ['BT709', 'bt709'],
    ]) {
      const expected = { colorimetry: text, matrix, range: 'studio' };
      assert.deepEqual(described(`;colorimetry=${text}`), expected);
      assert.deepEqual(described(`;colorimetry=${text};RANGE=NARROW`), expected);
      assert.deepEqual(described(`;colorimetry=${text};RANGE=FULL`), { ...expected, range: 'full' });
    }
    for (const text of ['SMPTE240M', 'BT2020', 'constructor', '__proto__']) {
      assert.deepEqual(described(`;colorimetry=${text}`), { colorimetry: text });
    }
    assert.equal('colorimetry' in parseSdp(gstreamer('sampling=RGB;depth=8;width=4;height=3')), false);
  });

  test('with IPv6, and parameters without spaces and with many', () => {
    const sdp = ffmpeg('sampling=BGRA;width=2;  height=3 ;depth=8').replace(
      'c=IN IP4 127.0.0.1',
      'c=IN IP6 ::1',
    );
    assert.deepEqual(
      { address: parseSdp(sdp).address, ...parseSdp(sdp).input },
      { address: '::1', kind: 'image', width: 2, height: 3, format: 'bgra' },
    );
  });

  test('the first raw video stream is taken: audio and compressed video before it are passed over', () => {
    const sdp = ffmpeg('sampling=RGB; width=8; height=4; depth=8', 97).replace(
      'm=video',
      [
        'm=audio 5000 RTP/AVP 97',
        'a=rtpmap:97 L24/48000/2',
        'm=video 5002 RTP/AVP 97',
        'a=rtpmap:97 H264/90000',
        'm=video',
      ].join('\n'),
    );
    assert.equal(parseSdp(sdp).udpPort, 40002);
  });

  const unsupported: [string, string, RegExp][] = [
    ['4:2:0, as FFmpeg prints it', 'sampling=YCbCr-4:2:0; width=64; height=48; depth=8', /YCbCr-4:2:0/],
    ['4:2:2 of 10 bits', 'sampling=YCbCr-4:2:2; width=64; height=48; depth=10', /depth=10.*8-bit/],
    ['4:1:1', 'sampling=YCbCr-4:1:1; width=64; height=48; depth=8', /YCbCr-4:1:1/],
    ['RGB of 10 bits', 'sampling=RGB; width=64; height=48; depth=10', /depth=10.*8-bit/],
    ['RGB of half floats', 'sampling=RGB; width=64; height=48; depth=16f', /depth=16f/],
    ['RGB without a depth', 'sampling=RGB; width=64; height=48', /depth=\(none\)/],
    ['no sampling', 'width=64; height=48; depth=8', /sampling=\(none\)/],
    ['interlace', 'sampling=RGB; width=64; height=48; depth=8; interlace=1', /interlaced/],
    ['interlace as a bare word', 'sampling=RGB; width=64; height=48; depth=8; interlace', /interlaced/],
    ['segmented frames', 'sampling=RGB; width=64; height=48; depth=8; interlace; segmented', /interlaced/],
    ['a sampling named like a property', 'sampling=constructor; width=64; height=48; depth=8', /constructor/],
    ['a sampling named __proto__', 'sampling=__proto__; width=64; height=48; depth=8', /__proto__/i],
  ];
  for (const [what, fmtp, says] of unsupported) {
    test(`${what} is refused by name`, () => {
      assertThrows(() => parseSdp(ffmpeg(fmtp)), 'UNSUPPORTED', says);
    });
  }

  const rgb = 'sampling=RGB; width=64; height=48; depth=8';
  const good = ffmpeg(rgb);
  const invalid: [string, unknown, RegExp][] = [
    ['an empty text', '', /raw\/90000/],
    ['no text', null, /SDP/],
    ['a number', 7, /SDP/],
    ['an array', [good], /SDP/],
    ['a text of 65537 characters', good.padEnd(65537), /65536/],
    ['no media line', good.replace(/^m=.*$/m, ''), /raw\/90000/],
    ['H.264 only', good.replace('raw/90000', 'H264/90000'), /raw\/90000/],
    ['a clock that is not 90 kHz', good.replace('raw/90000', 'raw/48000'), /raw\/90000/],
    ['a payload type that the m= line does not list', good.replace('AVP 96', 'AVP 97'), /raw\/90000/],
    ['no c= line', good.replace(/^c=.*$/m, ''), /c=/],
    ['a host name', good.replace('c=IN IP4 127.0.0.1', 'c=IN IP4 camera.example'), /camera\.example/],
    ['port 0', good.replace('m=video 40002', 'm=video 0'), /port/],
    ['port 70000', good.replace('m=video 40002', 'm=video 70000'), /port.*70000/],
    ['payload type 200', ffmpeg(rgb, 200), /payload type.*200/],
    ['no width', good.replace(' width=64;', ''), /width/],
    ['width 0', good.replace('width=64', 'width=0'), /width.*"0"/],
    ['width 32768', good.replace('width=64', 'width=32768'), /width.*32767.*"32768"/],
    ['width -64', good.replace('width=64', 'width=-64'), /width/],
    ['width 0x40', good.replace('width=64', 'width=0x40'), /width/],
    ['width 6.4e1', good.replace('width=64', 'width=6.4e1'), /width/],
    ['a height of a million digits', good.replace('height=48', `height=${'4'.repeat(50_000)}`), /height/],
  ];
  for (const [what, text, says] of invalid) {
    test(`${what} is refused, with what was expected`, () => {
      assertThrows(() => parseSdp(text as string), 'INVALID_ARGUMENT', says);
      assert.equal(parseSdp(good).input.width, 64);
    });
  }

  test('hostile texts end quickly in a typed error or a description', () => {
    const hostile = [
      'm='.repeat(30_000),
      `m=video 1 RTP/AVP ${'96 '.repeat(20_000)}`,
      `${good}a=fmtp:96 ${';'.repeat(60_000)}`,
      `m=video 5004 RTP/AVP 96\na=rtpmap:96 raw/90000\na=fmtp:96 ${'a=b;'.repeat(15_000)}`,
      good.replace(/\n/g, '\r'),
      good.replace(/=/g, '\0'),
      `\uFEFF${good}`,
      'm=video 5004 RTP/AVP 96\n'.repeat(2500),
    ];
    for (const text of hostile) {
      try {
        parseSdp(text);
      } catch (error) {
        assert.ok(error instanceof OnpathError, String(error));
      }
    }
  });
});
