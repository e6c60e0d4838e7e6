/** A module of one function that uses `f32x4.relaxed_madd`: it is valid where the browser has relaxed vector instructions. */
const RELAXED = Uint8Array.of(
  ...[0, 0x61, 0x73, 0x6d, 1, 0, 0, 0], // magic and version
  ...[1, 5, 1, 0x60, 0, 1, 0x7b], // types: () -> v128
  ...[3, 2, 1, 0], // functions: one of that type
  ...[10, 19, 1, 17, 0], // code: one body of 17 bytes without locals
  ...[0x41, 0, 0xfd, 0x11, 0x41, 0, 0xfd, 0x11, 0x41, 0, 0xfd, 0x11], // i32.const 0, i32x4.splat; thrice
  ...[0xfd, 0x85, 2, 0x0b], // f32x4.relaxed_madd, end
);

/** Whether the browser has relaxed vector instructions. */
export const hasRelaxedSimd = (): boolean => WebAssembly.validate(RELAXED);
