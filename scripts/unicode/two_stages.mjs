/// Values of all code points in blocks of 128, equal ones once: the blocks behind each other, and of each 128 code
/// points the number of their block.
export function twoStages(values) {
  const numbers = new Map();
  const index = [];
  const blocks = [];
  for (let code = 0; code < values.length; code += 128) {
    const block = values.subarray(code, code + 128);
    const key = block.join();
    if (!numbers.has(key)) {
      numbers.set(key, numbers.size);
      blocks.push(...block);
    }
    index.push(numbers.get(key));
  }
  return { index, blocks };
}
