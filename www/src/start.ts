/**
 * Downloads that both pages need, begun while the rest of the page's script is on its way: a script of its own, which
 * vite.config.ts puts first.
 */

import "./wasm-module";

export { first, keptModels, manifest } from "./agents/first";
