/** Chunks of the modules that several pages start with: a chunk, and so a request, for each module would be slower and larger. */

import { join } from "node:path";
import type { Rolldown } from "vite";

type Modules = Parameters<Rolldown.CodeSplittingNameFunction>[1];

/** Priority of groups that come before these. */
export const FIRST = 10;

const ROOT = join(import.meta.dirname, "..");
const BOARDS = ["index.html", "replay.html"];
const PAGES = [...BOARDS, "run.html"];
const WORKERS = ["src/agent.worker.ts", "src/network.worker.ts"];

/** Ids of a file's module and of what it imports, directly or indirectly, before it runs. */
function started(file: string, modules: Modules): Set<string> {
  const seen = new Set<string>();
  const visit = (id: string): void => {
    if (seen.has(id)) return;
    seen.add(id);
    modules.getModuleInfo(id)?.importedIds.forEach(visit);
  };
  visit(join(ROOT, file));
  return seen;
}

/** Ids that all of these begin with. */
function shared(files: readonly string[], modules: Modules): Set<string> {
  const [first = new Set<string>(), ...others] = files.map((file) => started(file, modules));
  return new Set([...first].filter((id) => others.every((other) => other.has(id))));
}

/** Groups for `codeSplitting`, found in the graph of modules when the first of them is asked for. */
export function sharedChunks(): Rolldown.CodeSplittingGroup[] {
  let found: { workers: Set<string>; chunks: Record<string, Set<string>> } | undefined;
  const find = (modules: Modules): NonNullable<typeof found> => ({
    workers: new Set(WORKERS.flatMap((file) => [...started(file, modules)])),
    chunks: { every: shared([...PAGES, "404.html"], modules), pages: shared(PAGES, modules), boards: shared(BOARDS, modules) },
  });
  // A group takes what its modules import with them, as far as no group before it has it.
  return ["workers", "every", "pages", "boards"].map((chunk, index) => ({
    name: (id, modules) => {
      const { workers, chunks } = (found ??= find(modules));
      // What a worker loads must not lie with what needs a page.
      const is = workers.has(id) ? chunk === "workers" && chunks["boards"]?.has(id) : chunks[chunk]?.has(id);
      return is ? chunk : null;
    },
    debugName: chunk,
    test: /\/src\//,
    priority: FIRST - 1 - index,
  }));
}
