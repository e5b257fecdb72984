/** Text of others (names, file contents, packets) in messages and on terminals: what would steer a terminal is shown, not carried out. */

/** Control characters, and those that turn the direction of writing or end a line unseen. */
export const STEERING = /[\p{Cc}\p{Bidi_Control}\u2028\u2029]/gu;
const LONGEST_NAME = 200;

/** The text with control characters as `\x1b` or `\u202e`; new lines and tabs stay. */
export function visible(text: string): string {
  return text.replace(STEERING, (one) => (one === '\n' || one === '\t' ? one : escaped(one)));
}

/** The same on one line. */
export function visibleLine(text: string): string {
  return text.replace(STEERING, escaped);
}

/** A path as messages show it: on one line, cut if it is long, in quotes if it could be misread. */
export function pathText(path: string): string {
  const line = visibleLine(path);
  const short = line.length > LONGEST_NAME ? `${line.slice(0, LONGEST_NAME)}...` : line;
  return short === path && path !== '' && path.trim() === path ? path : `"${short}"`;
}

function escaped(character: string): string {
  const code = character.charCodeAt(0);
  if (character === '\n') return '\\n';
  if (character === '\t') return '\\t';
  if (character === '\r') return '\\r';
  return code < 0x100
    ? `\\x${code.toString(16).padStart(2, '0')}`
    : `\\u${code.toString(16).padStart(4, '0')}`;
}
