/** The pages of the documentation as tests see them: their code blocks, links and pictures. docs/README.md says how blocks are written. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

export interface Block {
  readonly page: string;
  /** Of the line that opens it, from 1. */
  readonly line: number;
  /** `ts`, `sh`, ...; empty where none is given. */
  readonly language: string;
  /** What stands behind the language: a file's name, `no-run: REASON`, ... */
  readonly note: string;
  readonly code: string;
  /** The nearest heading above. */
  readonly heading: string;
  /** The last paragraph of prose above. */
  readonly lead: string;
}

export interface Page {
  readonly path: string;
  readonly text: string;
  readonly blocks: readonly Block[];
}

/** README.md and every page below docs/, without generated API pages. */
export function readPages(): Page[] {
  const below = readdirSync('docs', { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.md'))
    .map((name) => join('docs', name))
    .sort();
  return ['README.md', ...below].map((path) => {
    const text = readFileSync(path, 'utf8');
    return { path, text, blocks: blocksOf(path, text) };
  });
}

function blocksOf(page: string, text: string): Block[] {
  const found: Block[] = [];
  let heading = '';
  let lead = '';
  let inParagraph = false;
  let open: { line: number; fence: string; language: string; note: string; code: string[] } | undefined;
  for (const [i, line] of text.split('\n').entries()) {
    const fence = /^ *(`{3,})(\S*) *(.*)$/.exec(line);
    if (open !== undefined) {
      if (fence?.[1] === open.fence && fence[2] === '') {
        found.push({ page, ...open, code: `${open.code.join('\n')}\n`, heading, lead });
        open = undefined;
        lead = '';
      } else open.code.push(line);
    } else if (fence !== null) {
      open = { line: i + 1, fence: fence[1]!, language: fence[2]!, note: fence[3]!.trim(), code: [] };
    } else {
      heading = /^#+ (.*)/.exec(line)?.[1] ?? heading;
      if (line.trim() !== '') lead = inParagraph ? `${lead} ${line}` : line;
      inParagraph = line.trim() !== '';
    }
  }
  if (open !== undefined) throw new Error(`${page}, line ${open.line}: the block is never closed`);
  return found;
}

export function placeOf({ page, line }: Block): string {
  return `${page}, line ${line}`;
}

/** The page without its blocks and comments: what links and pictures are looked for in. */
export function prose({ text }: Page): string {
  return text
    .replace(/^ *(`{3,})[^\n]*\n[\s\S]*?^ *\1 *$/gm, '')
    .replace(/<!--[\s\S]*?-->/g, '')
    .replace(/`[^`\n]*`/g, (code) => code.replace(/[[\]()]/g, ' '));
}

/** Names that links may put behind #, as GitHub makes them of headings. */
export function anchorsOf(page: Page): Set<string> {
  const without = page.text.replace(/^ *(`{3,})[^\n]*\n[\s\S]*?^ *\1 *$/gm, '');
  const headings = [...without.matchAll(/^#+ (.*)$/gm)].map((match) => match[1]!);
  return new Set(
    headings.map((heading) =>
      heading
        .replace(/\[([^\]]*)\]\([^)]*\)/g, '$1')
        .toLowerCase()
        .replace(/[^\p{L}\p{N}\s_-]/gu, '')
        .trim()
        .replace(/\s/g, '-'),
    ),
  );
}
