/**
 * `node without-panics.mjs MODULE`: replaces the functions that make up the text of a panic by a trap, in place.
 *
 * A module without `std` shows no text: its handler of panics traps at once. But the compiler does not see that nobody reads the text, so
 * that all formatting stays in the module; once these functions are empty, the optimiser finds it unused. The functions are known by
 * name, so this runs before the names are removed.
 */

import { readFile, writeFile } from "node:fs/promises";
import binaryen from "binaryen";

/** Functions of the standard library, none of which returns. */
const PANICS =
  /core9panicking|slice_error_fail|slice_index_fail|unwrap_failed|expect_failed|assert_failed|mismatch_fail|panic_already|capacity_overflow|handle_alloc_error|12handle_error|rust_begin_unwind/;

const [, , file] = process.argv;
const module = binaryen.readBinary(await readFile(file));
let found = 0;
for (let index = 0; index < module.getNumFunctions(); index++) {
  const each = module.getFunctionByIndex(index);
  const { name, module: imported } = binaryen.getFunctionInfo(each);
  if (imported || !PANICS.test(name)) continue;
  binaryen.Function.setBody(each, module.unreachable());
  found++;
}
if (found === 0) throw new Error(`${file} has no function by the name of a panic: were its names removed?`);
await writeFile(file, module.emitBinary());
