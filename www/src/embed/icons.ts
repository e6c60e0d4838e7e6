/** Icons of the buttons: paths in a box of 24 × 24. */

import { svg } from "../board/svg";

export const ICONS = {
  first: "M6 5h2.5v14H6zM19 5v14l-9-7z",
  back: "M16 5v14l-9-7z",
  play: "M7 4.500v15l12-7.500z",
  pause: "M7 5h3.500v14H7zM13.500 5H17v14h-3.500z",
  forward: "M8 5v14l9-7z",
  last: "M15.500 5H18v14h-2.500zM5 5v14l9-7z",
  flip: "M8 20V9H4l6-6v17zM16 4v11h4l-6 6V4z",
} as const;

export const icon = (path: string): SVGElement => svg("svg", { viewBox: "0 0 24 24", "aria-hidden": "true" }, svg("path", { d: path }));
