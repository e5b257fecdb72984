/** The service for prompts: node prompts.js --help */
import { options, place, run, Usage } from './arguments.js';
import { servePromptsBehind } from './behind.js';
import { bytesUpTo, serveInside } from './inside.js';
import { openTextModel } from './model.js';
import { behindOf, OPTIONS, Results, serve, variantOf } from './serving.js';
import { vocabularyFile, withGptTokenizer, withOnpath } from './tokenize.js';

const help = `usage: node prompts.js inside|onpath [options]

Classifies prompts. The result of each leaves as a datagram of JSON: { "requestId": "7", "top": 3, "tokens": 120 }

  inside   prompts come over TCP, and the service tokenizes them
  onpath   prompts come as RTP packets, and are tokens when they reach the service

  --listen ADDRESS:PORT   where prompts come (127.0.0.1:5004)
  --results ADDRESS:PORT  where results go (127.0.0.1:5006)
  --model FILE            (prompts.onnx; node make-text-model.js makes one)
  --vocabulary FILE       for onpath (cl100k_base, out of the package gpt-tokenizer)
  --tokenizer gpt-tokenizer|onpath  inside: with what (gpt-tokenizer)
  --port JSON             onpath: a port instead of the udp one
  --no-huge               onpath: a dpdk port without hugepages
  --sources PREFIX,...    onpath: who may send; loopback needs none
  --logits                results have "logits" too, float32 in base64`;

const KNOWN = {
  ...OPTIONS,
  model: { type: 'string', default: 'prompts.onnx' },
  vocabulary: { type: 'string', default: vocabularyFile },
  tokenizer: { type: 'string', default: 'gpt-tokenizer' },
};
const TOKENIZERS = { 'gpt-tokenizer': withGptTokenizer, onpath: withOnpath };
const MOST_BYTES = 1 << 20;

async function main() {
  const { values, positionals } = options(KNOWN);
  if (values.help) return console.log(help);
  const variant = variantOf(positionals);
  if (!Object.hasOwn(TOKENIZERS, values.tokenizer))
    throw new Usage(`--tokenizer takes gpt-tokenizer or onpath, received "${values.tokenizer}".`);
  const listen = place('--listen', values.listen);
  const results = new Results(place('--results', values.results), values);
  const model = await openTextModel(values.model);

  const answer = async (requestId, ids) => {
    results.send(requestId, { ...(await model.classify(ids)), tokens: ids.length });
  };
  const service =
    variant === 'inside'
      ? await serveInside({
          listen,
          check: bytesUpTo(MOST_BYTES),
          open: await opened(TOKENIZERS[values.tokenizer], values, answer),
          complain: console.error,
        })
      : await servePromptsBehind({
          ...behindOf(values, listen),
          vocabulary: values.vocabulary,
          answer,
        });
  await serve(service, () => `ended after ${results.sent} prompts`);
}

async function opened(tokenizer, { vocabulary }, answer) {
  const encode = await tokenizer(vocabulary);
  return () =>
    async ({ requestId, bytes }) =>
      answer(requestId, encode(bytes));
}

await run('prompts', main);
