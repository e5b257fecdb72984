/** Arithmetic expressions for table entries: parsed by jsep, evaluated over a fixed set of names. No code is run. */
import jsep from 'jsep';
import { OnpathError } from '../errors.js';

const FUNCTIONS: Readonly<Record<string, (...values: number[]) => number>> = {
  abs: Math.abs,
  ceil: Math.ceil,
  clamp: (value, low, high) => Math.min(Math.max(value!, low!), high!),
  cos: Math.cos,
  exp: Math.exp,
  floor: Math.floor,
  log: Math.log,
  log2: Math.log2,
  max: Math.max,
  min: Math.min,
  pow: (base, exponent) => base! ** exponent!,
  round: (value) => roundHalfToEven(value!),
  sign: Math.sign,
  sin: Math.sin,
  sqrt: Math.sqrt,
  tanh: Math.tanh,
  trunc: Math.trunc,
};
const CONSTANTS: Readonly<Record<string, number>> = { pi: Math.PI, e: Math.E };
const OPERATORS: Readonly<Record<string, (a: number, b: number) => number>> = {
  '+': (a, b) => a + b,
  '-': (a, b) => a - b,
  '*': (a, b) => a * b,
  '/': (a, b) => a / b,
  '%': (a, b) => a % b,
  '^': (a, b) => a ** b,
  '<': (a, b) => Number(a < b),
  '<=': (a, b) => Number(a <= b),
  '>': (a, b) => Number(a > b),
  '>=': (a, b) => Number(a >= b),
  '==': (a, b) => Number(a === b),
  '!=': (a, b) => Number(a !== b),
};
const MOST_CHARACTERS = 1000;

// In arithmetic ^ is the power: above the product, and from the right.
jsep.addBinaryOp('^', 11, true);

/** What the names in an expression may be. */
export const EXPRESSION_HELP = `x is the byte 0 to 255, c the channel from 0. Operators: + - * / % ^ (power), comparisons (1 or 0), a ? b : c.
Functions: ${Object.keys(FUNCTIONS).join(', ')} (round: half to even). Constants: pi, e.`;

/** @throws OnpathError INVALID_ARGUMENT naming what cannot be read, when it is parsed, not when it is called */
export function parseExpression(text: string): (x: number, c: number) => number {
  if (text.length > MOST_CHARACTERS) {
    throw new OnpathError(
      'INVALID_ARGUMENT',
      `The expression has ${text.length} characters; at most ${MOST_CHARACTERS} are read. Put the entries into a file instead.`,
    );
  }
  let tree: jsep.Expression;
  try {
    tree = jsep(text);
  } catch (cause) {
    throw wrong(text, cause instanceof Error ? cause.message : String(cause));
  }
  const evaluate = compiled(tree, text);
  return (x, c) => evaluate({ x, c });
}

type Names = Readonly<{ x: number; c: number }>;

function compiled(node: jsep.Expression, text: string): (names: Names) => number {
  const part = (child: unknown) => compiled(child as jsep.Expression, text);
  switch (node.type) {
    case 'Literal': {
      const { value } = node as jsep.Literal;
      if (typeof value !== 'number') throw wrong(text, `${JSON.stringify(value)} is no number`);
      return () => value;
    }
    case 'Identifier': {
      const { name } = node as jsep.Identifier;
      if (name === 'x' || name === 'c') return (names) => names[name];
      const value = Object.hasOwn(CONSTANTS, name) ? CONSTANTS[name]! : undefined;
      if (value === undefined) throw wrong(text, `"${name}" is not known`);
      return () => value;
    }
    case 'UnaryExpression': {
      const { operator, argument } = node as jsep.UnaryExpression;
      const of = part(argument);
      if (operator === '-') return (names) => -of(names);
      if (operator === '+') return of;
      throw wrong(text, `the operator ${operator} is not known`);
    }
    case 'BinaryExpression': {
      const { operator, left, right } = node as jsep.BinaryExpression;
      const apply = Object.hasOwn(OPERATORS, operator) ? OPERATORS[operator] : undefined;
      if (apply === undefined) throw wrong(text, `the operator ${operator} is not known`);
      const [a, b] = [part(left), part(right)];
      return (names) => apply(a(names), b(names));
    }
    case 'ConditionalExpression': {
      const { test, consequent, alternate } = node as jsep.ConditionalExpression;
      const [when, then, otherwise] = [part(test), part(consequent), part(alternate)];
      return (names) => (when(names) !== 0 ? then(names) : otherwise(names));
    }
    case 'CallExpression': {
      const { callee, arguments: list } = node as jsep.CallExpression;
      const name = callee.type === 'Identifier' ? (callee as jsep.Identifier).name : '';
      const call = Object.hasOwn(FUNCTIONS, name) ? FUNCTIONS[name] : undefined;
      if (call === undefined) throw wrong(text, `the function "${name}" is not known`);
      if (call.length > 0 && call.length !== list.length && name !== 'max' && name !== 'min')
        throw wrong(
          text,
          `${name} takes ${call.length} value${call.length === 1 ? '' : 's'}, not ${list.length}`,
        );
      const values = list.map(part);
      return (names) => call(...values.map((value) => value(names)));
    }
    default:
      throw wrong(text, 'it is not one arithmetic expression');
  }
}

function roundHalfToEven(value: number): number {
  const floor = Math.floor(value);
  const rest = value - floor;
  if (rest !== 0.5) return Math.round(value);
  return floor % 2 === 0 ? floor : floor + 1;
}

function wrong(text: string, why: string): OnpathError {
  const shown = text.length > 80 ? `${text.slice(0, 80)}...` : text;
  return new OnpathError(
    'INVALID_ARGUMENT',
    `The expression "${shown}" cannot be used: ${why}. See onpath table build --help for what there is.`,
  );
}
