/** Objects of the wasm as plain ones, which can be posted and need not be freed. */

/** The fields of a wasm class, whose types are generated from Rust, without its methods. */
export type Plain<T> = { -readonly [Key in keyof T as Key extends string ? (T[Key] extends Function ? never : Key) : never]: T[Key] };

/** Copies the fields of a wasm object and frees it. */
export function plain<T extends { free(): void }>(object: T): Plain<T> {
  const members = Object.entries(Object.getOwnPropertyDescriptors(Object.getPrototypeOf(object)));
  const fields = members.filter(([, member]) => member.get !== undefined).map(([name]) => [name, object[name as keyof T]]);
  object.free();
  return Object.fromEntries(fields) as Plain<T>;
}
