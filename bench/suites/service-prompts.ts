/** Of suite `service`: prompts, tokenized inside the service and before they reach it. */
import type { Case } from '../report.js';
import type { Context } from '../suite.js';
import { type Contestant, casesOf, measure, OURS } from './service-match.js';

/** A question, a page, a long document. */
const KILOBYTES = [1, 8, 64] as const;
const CONTESTANTS: readonly Contestant[] = [
  { name: OURS, service: 'onpath', payload: 'text' },
  { name: 'gpt-tokenizer inside', service: 'gpt', payload: 'text' },
  { name: 'Tokenizer.encode inside', service: 'encode', payload: 'text' },
];
const common = ['--listen', '127.0.0.1:0', '--model', 'prompts.onnx'];
const services = {
  onpath: ['prompts.js', 'onpath', ...common],
  gpt: ['prompts.js', 'inside', '--tokenizer', 'gpt-tokenizer', ...common],
  encode: ['prompts.js', 'inside', '--tokenizer', 'onpath', ...common],
};

export async function promptCases(folder: string, context: Context): Promise<Case[]> {
  const cases: Case[] = [];
  for (const size of KILOBYTES) {
    const what = `prompts of ${size} KiB`;
    const sends = ['prompts', `${size * 1024}`];
    const setting = { what, requests: 'prompts', contestants: CONTESTANTS, folder, services, sends };
    cases.push(...casesOf(what, await measure(setting, context)));
  }
  return cases;
}
