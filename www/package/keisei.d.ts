export { ShogiBoard, ShogiReplay } from "./classes";
export type { PlyChangeEvent, ReplayErrorEvent } from "./classes";

import type { PlyChangeEvent, ReplayErrorEvent, ShogiBoard, ShogiReplay } from "./classes";

declare global {
  interface HTMLElementTagNameMap {
    "shogi-board": ShogiBoard;
    "shogi-replay": ShogiReplay;
  }
  interface HTMLElementEventMap {
    "replay-ready": CustomEvent;
    "replay-error": ReplayErrorEvent;
    "ply-change": PlyChangeEvent;
  }
}
