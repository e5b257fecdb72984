/** The control API: what each call answers, and what each mistake is told. */
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import type * as z from 'zod';
import * as schemas from '../../lib/control/schemas.js';
import { writeNpy } from '../../lib/files/npy.js';
import { ask, CONFIG, HEIGHT, otherVocabulary, type Running, running, WIDTH } from './fixture.js';

let plane: Running;
before(async () => {
  plane = await running();
});
after(() => plane[Symbol.asyncDispose]());

const get = (path: string) => ask(plane.socket, 'GET', path);
const versionsNow = () =>
  plane.service.routes().map(({ name }) => plane.service.plane.versions(name)[0]!.version);

describe('what is looked at', () => {
  const looks: [string, z.ZodType][] = [
    ['/v1/live', schemas.liveAnswer],
    ['/v1/ready', schemas.readyAnswer],
    ['/v1/status', schemas.statusAnswer],
    ['/v1/stats', schemas.statsAnswer],
    ['/v1/memory', schemas.memoryAnswer],
    ['/v1/latency', schemas.latencyAnswer],
    ['/v1/latency?route=photos', schemas.latencyAnswer],
    ['/v1/ports', schemas.portsAnswer],
    ['/v1/config', schemas.configAnswer],
    ['/v1/routes', schemas.routesAnswer],
    ['/v1/routes/photos/versions', schemas.versionsAnswer],
  ];
  for (const [path, schema] of looks) {
    it(`GET ${path} answers as the OpenAPI document says`, async () => {
      const { status, headers, text } = await get(path);
      assert.equal(status, 200, text);
      assert.match(headers['content-type']!, /^application\/json/);
      const { success, error } = schema.safeParse(JSON.parse(text));
      assert.ok(success, error?.message);
    });
  }

  it('GET /metrics answers in the text format of Prometheus', async () => {
    const { status, headers, text } = await get('/metrics');
    assert.equal(status, 200);
    assert.match(headers['content-type']!, /^text\/plain; version=0\.0\.4/);
    assert.match(text, /^onpath_ready 1$/m);
  });

  it('the OpenAPI document has every call and no other', async () => {
    const { openapi, paths } = JSON.parse((await get('/openapi.json')).text);
    assert.equal(openapi, '3.1.0');
    const calls = Object.entries(paths).flatMap(([path, methods]) =>
      Object.keys(methods as object).map((method) => `${method} ${path}`),
    );
    assert.deepEqual(calls.sort(), [
      'get /metrics',
      'get /v1/config',
      'get /v1/events',
      'get /v1/latency',
      'get /v1/live',
      'get /v1/memory',
      'get /v1/ports',
      'get /v1/ready',
      'get /v1/routes',
      'get /v1/routes/{route}/versions',
      'get /v1/stats',
      'get /v1/status',
      'post /v1/captures',
      'post /v1/reload',
      'post /v1/routes/{route}/rollback',
      'put /v1/routes/{route}/pipeline',
      'put /v1/tables/{name}',
      'put /v1/vocabularies/{name}',
    ]);
  });
});

describe('what is changed', () => {
  const small = `input: { kind: image, width: ${WIDTH}, height: ${HEIGHT}, format: rgb }
stages: [{ stage: resize, width: 10, height: 10 }]
`;
  const put = (path: string, body: string | Uint8Array) => ask(plane.socket, 'PUT', path, body);

  it('a pipeline is only checked with ?check=true', async () => {
    const before = versionsNow();
    const { status, text } = await put('/v1/routes/photos/pipeline?check=true', small);
    assert.equal(status, 200, text);
    const { route, hash, versions } = schemas.pipelineAnswer.parse(JSON.parse(text));
    assert.deepEqual([route, versions, hash.length], ['photos', [], 64]);
    assert.deepEqual(versionsNow(), before);
  });

  it('a pipeline in YAML, in JSON, or of the configuration becomes the next version', async () => {
    const [before] = versionsNow();
    const json = JSON.stringify({
      input: { kind: 'image', width: WIDTH, height: HEIGHT, format: 'rgb' },
      stages: [{ stage: 'lookup', table: 'tone' }],
    });
    const bodies = [small, json, '{"pipeline": "small"}'];
    for (const [i, body] of bodies.entries()) {
      const { status, text } = await put('/v1/routes/photos/pipeline', body);
      assert.equal(status, 200, text);
      const { hash, versions } = schemas.pipelineAnswer.parse(JSON.parse(text));
      assert.deepEqual(
        versions.map(({ version }) => version),
        [before! + 1 + i],
      );
      assert.equal(plane.service.plane.versions('photos')[0]!.hash, hash);
    }
    await plane.client.setPipeline('photos', '{"pipeline": "photos"}');
  });

  it('a table in .npy and in JSON is exchanged where it is used, and later pipelines have it', async () => {
    const data = Uint8Array.from({ length: 256 }, (_, i) => i >> 1);
    const hashes = new Set<string>();
    for (const body of [
      writeNpy({ dtype: 'uint8', shape: [256], data }),
      JSON.stringify({ dtype: 'uint8', tables: [[...data]] }),
    ]) {
      const { status, text } = await put('/v1/tables/tone', body);
      assert.equal(status, 200, text);
      const { versions } = schemas.changeAnswer.parse(JSON.parse(text));
      assert.deepEqual(
        versions.map(({ route }) => route),
        ['photos'],
      );
      hashes.add(versions[0]!.hash);
    }
    const { hash } = await plane.client.setPipeline(
      'photos',
      `input: { kind: image, width: ${WIDTH}, height: ${HEIGHT}, format: rgb }\nstages: [{ stage: lookup, table: tone }]`,
    );
    hashes.add(hash);
    // Also one of the configuration, which keeps its name.
    const named = await plane.client.setPipeline('photos', '{"pipeline": "photos"}');
    hashes.add(named.hash);
    assert.equal(hashes.size, 1);
    assert.equal((await plane.client.routes())[0]!.pipelineName, 'photos');
  });

  it('a vocabulary is exchanged where it is used', async () => {
    const [version] = await plane.client.setVocabulary('words', otherVocabulary());
    assert.equal(version!.route, 'prompts');
    assert.equal(plane.service.plane.versions('prompts')[0]!.version, version!.version);
    const { hash } = await plane.client.setPipeline('prompts', '{"pipeline": "prompts"}');
    assert.equal(hash, version!.hash);
  });
});

describe('what is refused changes nothing', () => {
  const pipeline = `input: { kind: image, width: ${WIDTH}, height: ${HEIGHT}, format: rgb }\nstages: []\n`;
  const refused: [string, string, string, string | Uint8Array | undefined, number, string, RegExp][] = [
    ['a path there is not', 'GET', '/v1/nothing', undefined, 404, 'NOT_FOUND', /GET \/v1\/nothing .*openapi/],
    ['a method there is not', 'DELETE', '/v1/status', undefined, 404, 'NOT_FOUND', /DELETE \/v1\/status/],
    ['a broken escape', 'GET', '/v1/routes/%zz/versions', undefined, 400, 'INVALID_ARGUMENT', /%zz/],
    [
      'a route there is not',
      'GET',
      '/v1/routes/none/versions',
      undefined,
      404,
      'NOT_FOUND',
      /"none".*photos, prompts/,
    ],
    [
      'a name too long',
      'GET',
      `/v1/routes/${'x'.repeat(65)}/versions`,
      undefined,
      400,
      'INVALID_ARGUMENT',
      /path\.route/,
    ],
    ['an unknown query', 'GET', '/v1/latency?rout=photos', undefined, 400, 'INVALID_ARGUMENT', /rout/],
    ['a pipeline for no route', 'PUT', '/v1/routes/none/pipeline', pipeline, 404, 'NOT_FOUND', /"none"/],
    ['no pipeline', 'PUT', '/v1/routes/photos/pipeline', undefined, 400, 'INVALID_ARGUMENT', /no body/],
    ['no YAML', 'PUT', '/v1/routes/photos/pipeline', '{ a: [', 400, 'INVALID_SPEC', /sent, line 1/],
    [
      'no UTF-8',
      'PUT',
      '/v1/routes/photos/pipeline',
      Uint8Array.of(0xff, 0xfe),
      400,
      'INVALID_ARGUMENT',
      /UTF-8/,
    ],
    ['no pipeline but a list', 'PUT', '/v1/routes/photos/pipeline', '[1]', 400, 'INVALID_SPEC', /mapping/],
    [
      'an unknown stage',
      'PUT',
      '/v1/routes/photos/pipeline',
      `${pipeline.replace('[]', '[{ stage: blur }]')}`,
      400,
      'INVALID_SPEC',
      /line 2.*blur/,
    ],
    [
      'another input',
      'PUT',
      '/v1/routes/photos/pipeline',
      pipeline.replace(String(WIDTH), '41'),
      400,
      'INVALID_SPEC',
      /"photos" takes 40 x 30 rgb images; the pipeline takes 41 x 30/,
    ],
    ['another kind', 'PUT', '/v1/routes/prompts/pipeline', pipeline, 400, 'INVALID_SPEC', /takes texts/],
    [
      'a name of no pipeline',
      'PUT',
      '/v1/routes/photos/pipeline',
      '{"pipeline":"none"}',
      400,
      'INVALID_SPEC',
      /"none".*photos, small/,
    ],
    [
      'a check that is neither',
      'PUT',
      '/v1/routes/photos/pipeline?check=maybe',
      pipeline,
      400,
      'INVALID_ARGUMENT',
      /query\.check/,
    ],
    [
      'a folder that is relative',
      'PUT',
      '/v1/routes/photos/pipeline?folder=x',
      pipeline,
      400,
      'INVALID_ARGUMENT',
      /absolute/,
    ],
    [
      'a file there is not',
      'PUT',
      '/v1/routes/photos/pipeline',
      pipeline.replace('[]', '[{ stage: lookup, table: { file: none.npy } }]'),
      404,
      'NOT_FOUND',
      /none\.npy cannot be read/,
    ],
    [
      'a file without end',
      'PUT',
      '/v1/routes/photos/pipeline',
      pipeline.replace('[]', '[{ stage: lookup, table: { file: /dev/zero } }]'),
      400,
      'INVALID_ARGUMENT',
      /\/dev\/zero is no file/,
    ],
    [
      'a version there is not',
      'POST',
      '/v1/routes/photos/rollback',
      '{"version": 4000}',
      404,
      'NOT_FOUND',
      /4000/,
    ],
    [
      'a version that is none',
      'POST',
      '/v1/routes/photos/rollback',
      '{"version": -1}',
      400,
      'INVALID_ARGUMENT',
      /body\.version/,
    ],
    ['no JSON', 'POST', '/v1/routes/photos/rollback', '{', 400, 'INVALID_ARGUMENT', /no JSON/],
    ['a field too many', 'POST', '/v1/reload', '{"now": true}', 400, 'INVALID_ARGUMENT', /"now"/],
    [
      'a table nobody uses',
      'PUT',
      '/v1/tables/none',
      writeNpy({ dtype: 'uint8', shape: [256], data: new Uint8Array(256) }),
      404,
      'NOT_FOUND',
      /"none".*"tone"/,
    ],
    [
      'a table of another shape',
      'PUT',
      '/v1/tables/tone',
      writeNpy({ dtype: 'uint8', shape: [255], data: new Uint8Array(255) }),
      400,
      'INVALID_ARGUMENT',
      /\(255\)/,
    ],
    [
      'a table that does not say its type',
      'PUT',
      '/v1/tables/tone',
      JSON.stringify(Array(256).fill(0)),
      400,
      'INVALID_ARGUMENT',
      /type/,
    ],
    [
      'a vocabulary that is none',
      'PUT',
      '/v1/vocabularies/words',
      'hello',
      400,
      'INVALID_VOCABULARY',
      /format/,
    ],
    [
      'a vocabulary that is broken',
      'PUT',
      '/v1/vocabularies/words',
      '{"model": 1}',
      400,
      'INVALID_VOCABULARY',
      /model/,
    ],
    [
      'a format there is not',
      'PUT',
      '/v1/vocabularies/words?format=x',
      'x',
      400,
      'INVALID_ARGUMENT',
      /query\.format/,
    ],
    ['a capture of nothing', 'POST', '/v1/captures', '{}', 400, 'INVALID_ARGUMENT', /route or port/],
    [
      'a capture to a file',
      'POST',
      '/v1/captures',
      '{"route":"photos","file":"/tmp/x"}',
      400,
      'INVALID_ARGUMENT',
      /"file"/,
    ],
    ['a capture of no route', 'POST', '/v1/captures', '{"route":"none"}', 404, 'NOT_FOUND', /none/],
  ];
  for (const [what, method, path, body, status, code, message] of refused) {
    it(what, async () => {
      const before = versionsNow();
      const answer = await ask(plane.socket, method, path, body);
      assert.equal(answer.status, status, answer.text);
      const { error } = schemas.failureAnswer.parse(JSON.parse(answer.text));
      assert.equal(error.code, code);
      assert.match(error.message, message);
      assert.match(error.message, /\.$/);
      assert.deepEqual(versionsNow(), before);
    });
  }
});

describe('roll back and reload', () => {
  it('an earlier version is given again as a new one', async () => {
    await using own = await running();
    const { hash } = await own.client.setPipeline('photos', '{"pipeline": "small"}');
    assert.notEqual((await own.client.versions('photos'))[1]!.hash, hash);
    const [back] = await own.client.rollback('photos');
    assert.deepEqual([back!.version, back!.hash], [3, (await own.client.versions('photos')).at(-1)!.hash]);
    const [again] = await own.client.rollback('photos', 2);
    assert.deepEqual([again!.version, again!.hash], [4, hash]);
  });

  it('the configuration is read again: checked, applied, refused as a whole', async () => {
    await using own = await running();
    const file = join(own.folder, 'plane.yaml');
    assert.equal((await own.client.reload()).unchanged, true);
    writeFileSync(file, CONFIG.replace('width: 20', 'width: 10').replace("'255 - x'", "'x'"));
    const checked = await own.client.reload({ check: true });
    assert.equal(checked.unchanged, false);
    assert.equal((await own.client.versions('photos'))[0]!.version, 1);
    assert.deepEqual(await own.client.reload(), checked);
    assert.equal((await own.client.versions('photos'))[0]!.version, 2);
    writeFileSync(file, readFileSync(file, 'utf8').replace("'x'", "'x +'"));
    await assert.rejects(own.client.reload(), /line 3/);
    assert.equal((await own.client.versions('photos'))[0]!.version, 2);
  });

  it('what was given beside the configuration stays above it when it is read again', async () => {
    await using own = await running({ overrides: { metrics: { listen: '127.0.0.1:9464' } } });
    assert.equal((await own.client.reload()).unchanged, true);
    assert.deepEqual(own.service.config.metrics, { listen: '127.0.0.1:9464' });
  });
});
