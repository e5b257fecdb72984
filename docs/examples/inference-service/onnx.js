/**
 * The few messages of onnx.proto that a feed-forward network of float32 weights needs, as protobuf bytes. Field numbers are those of
 * https://github.com/onnx/onnx/blob/main/onnx/onnx.proto.
 */

const VARINT = 0;
const BYTES = 2;
// TensorProto.DataType
const FLOAT = 1;
export const INT32 = 6;
const IR_VERSION = 8;
const OPSET = 13;

/** @param {{ name: string, nodes: Buffer[], weights: Buffer[], input: Buffer, output: Buffer }} graph */
export function model({ name, nodes, weights, input, output }) {
  const graph = Buffer.concat([
    ...nodes.map((node) => bytes(1, node)),
    text(2, name),
    ...weights.map((tensor) => bytes(5, tensor)),
    bytes(11, input),
    bytes(12, output),
  ]);
  const opset = number(2, OPSET);
  return Buffer.concat([number(1, IR_VERSION), text(2, 'onpath example'), bytes(7, graph), bytes(8, opset)]);
}

/**
 * @param {string} operator of the default domain
 * @param {Record<string, number | number[]>} attributes whole numbers, or lists of them
 */
export function node(operator, inputs, output, attributes = {}) {
  return Buffer.concat([
    ...inputs.map((input) => text(1, input)),
    text(2, output),
    text(4, operator),
    ...Object.entries(attributes).map(([name, value]) => bytes(5, attribute(name, value))),
  ]);
}

function attribute(name, value) {
  const [INT, INTS] = [2, 7]; // AttributeProto.AttributeType
  return Array.isArray(value)
    ? Buffer.concat([text(1, name), ...value.map((one) => number(8, one)), number(20, INTS)])
    : Buffer.concat([text(1, name), number(3, value), number(20, INT)]);
}

/** @param {Float32Array} values in row-major order of `shape` */
export function tensor(name, shape, values) {
  const little = Buffer.alloc(values.length * 4);
  values.forEach((value, i) => {
    little.writeFloatLE(value, i * 4);
  });
  return Buffer.concat([
    ...shape.map((side) => number(1, side)),
    number(2, FLOAT),
    text(8, name),
    bytes(9, little),
  ]);
}

/**
 * What goes into the graph, or comes out of it.
 * @param {(number | string)[]} shape a name: as long as it comes
 */
export function value(name, shape, elements = FLOAT) {
  const sides = Buffer.concat(
    shape.map((side) => bytes(1, typeof side === 'string' ? text(2, side) : number(1, side))),
  );
  const type = bytes(1, Buffer.concat([number(1, elements), bytes(2, sides)]));
  return Buffer.concat([text(1, name), bytes(2, type)]);
}

function number(field, value) {
  return Buffer.concat([varint((field << 3) | VARINT), varint(value)]);
}
function bytes(field, value) {
  return Buffer.concat([varint((field << 3) | BYTES), varint(value.length), value]);
}
function text(field, value) {
  return bytes(field, Buffer.from(value));
}

/** Base 128, lowest digit first; all but the last have the high bit set. */
function varint(value) {
  const digits = [];
  for (; value > 127; value = Math.floor(value / 128)) digits.push((value % 128) | 128);
  return Buffer.from([...digits, value]);
}

/** For weights, numbers from 0 up to 1: Marsaglia's xorshift. */
export function randomFrom(seed) {
  let state = seed;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 2 ** 32;
  };
}
